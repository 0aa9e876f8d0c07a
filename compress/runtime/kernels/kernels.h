#pragma once

#include <cstddef>
#include <cstdint>

/// What the kernels of an instruction set look like from outside. Their files are compiled with the
/// instruction set's flags, so nothing but plain data passes between them and the rest.
///
/// Inside the runtime a code u is stored as code + 128, from 0 to 255, and zero points likewise:
/// the one matrix instruction with four products wants one unsigned factor. `Code` is how an
/// instruction set stores u: 8 or 16 bits.
namespace espalier::runtime {

/// A value in the arena, for one sample: blocks of channels, each a plane of rows of pixels of
/// `block` neighbouring channels. One block of all channels is H×W×C; blocks of a few are what
/// sparse convolutions read. Strides are in elements.
struct View {
  int32_t height, width, channels;
  int32_t block;
  int64_t plane, row, sample;

  int32_t blocks() const { return (channels + block - 1) / block; }
  int64_t offset(int64_t y, int64_t x, int64_t c) const {
    return c / block * plane + y * row + x * block + c % block;
  }
};

/// A value and where it lies.
struct Tensor {
  View view;
  void* data;
};

/// What happens to sums before they are stored.
struct Epilogue {
  // float32 sums
  const float* bias;  ///< as many as outputs, rounded up to whole vectors
  float low, high;    ///< limits of the result

  // Sums of codes: Σ u·w. The bias holds −zero_point·Σw as well.
  const int32_t* code_bias;
  const int32_t* factors;  ///< multipliers
  const int32_t* shifts;
  int32_t zero, lowest, highest;  ///< zero point and limits of the result
  const float* scales;            ///< for a float32 result: float(sum)·scale

  // A residual that is added: float32 y + r, limited; codes as `Add`.
  const void* residual;  ///< null: none; with the strides of the result
  float sum_low, sum_high;
  int32_t residual_zero, sum_factor, residual_factor, sum_shift;
  int32_t sum_zero, sum_lowest, sum_highest;
};

/// A dense convolution, or a linear layer with samples in the place of pixels. The inputs of one
/// output pixel are runs of neighbouring elements.
struct DenseTask {
  const void* x;            ///< first element of the first pixel's window
  int64_t x_row, x_column;  ///< between windows
  const int64_t* runs;      ///< where each run begins in the window
  int32_t run_count;
  int32_t run_groups;   ///< length of a run in groups of `Kernels::group` elements
  const void* weights;  ///< see `Kernels::outputs_per_block`
  int32_t rows, columns, outputs;
  void* y;
  int64_t y_row, y_column;  ///< outputs are neighbours
  const Epilogue* epilogue;
};

/// A convolution of each channel with its own kernel.
struct DepthwiseTask {
  const void* x;
  int64_t x_row, x_column;
  const int64_t* taps;  ///< where each tap's pixel lies in the window
  int32_t tap_count;
  const void* weights;  ///< float or int32: [tap][channel], rounded up to whole vectors
  int32_t rows, columns, channels;
  void* y;
  int64_t y_row, y_column;
  const Epilogue* epilogue;
};

/// A convolution of which only kept weights are visited, with stride 1. Pixels are numbered through
/// the rows of the input's planes, so that a weight multiplies a run of them: `pixels` results, of
/// which those beyond the end of a row mean nothing and are not stored.
struct SparseConvTask {
  const void* x;          ///< planes of groups of channels: block = `Kernels::group`, for float32 1
  const int32_t* starts;  ///< of the kept groups of each output: outputs + 1
  const int32_t* offsets;  ///< by kept group: distance of the first pixel, in elements
  const void* weights;     ///< by kept group: as many weights
  int32_t row_pixels;      ///< between two rows of a plane
  int32_t rows, columns, outputs;
  void* y;  ///< planes likewise
  int64_t y_plane, y_row;
  const Epilogue* epilogue;
  void* scratch;          ///< for the sums of a group of outputs
  int64_t scratch_plane;  ///< sums between two outputs there
};

/// A linear layer of which only kept weights are visited. A vector of outputs goes through steps:
/// in each a window of the input is loaded, and every output takes from it the elements that its
/// next kept weights need.
struct SparseLinearTask {
  const void* x;
  const int32_t* begins;   ///< of the steps of each block of `lanes` outputs, and the end
  const int32_t* windows;  ///< [step]: first element of its window
  const uint8_t* picks;    ///< [step][lane][element of the group]: see `Kernels::code_pick_bytes`
  const void* weights;     ///< likewise
  int32_t outputs;
  void* y;
  const Epilogue* epilogue;
};

struct PoolTask {
  Tensor x, y;
  int32_t kernel, stride, padding;
  bool whole;  ///< one window of all pixels
  bool mean;   ///< else the largest
  // codes
  int32_t x_zero, y_zero, factor, shift, lowest, highest;
};

struct AddTask {
  Tensor a, b, y;
  float low, high;
  int32_t a_zero, b_zero, y_zero, a_factor, b_factor, shift, lowest, highest;
};

/// The kernels of one instruction set.
struct Kernels {
  const char* name;
  int32_t lanes;              ///< float32 or int32 in a vector
  int32_t code_bytes;         ///< of a stored code: 1 or 2
  int32_t weight_bytes;       ///< of an integer weight: 1 (−128 … 127) or 2
  int32_t group;              ///< codes that are multiplied together; float32: 1
  int32_t outputs_per_block;  ///< weights are [block][run][group of the run][output][element]
  int32_t window;             ///< of sparse linear layers, in float32
  int32_t code_window;        ///< in codes; 0: there is no such kernel
  int32_t code_pick_bytes;    ///< of one pick: 1, the place in the window; 2: those of both bytes

  void (*dense)(const DenseTask&);
  void (*dense_codes)(const DenseTask&);
  void (*depthwise)(const DepthwiseTask&);
  void (*depthwise_codes)(const DepthwiseTask&);
  void (*sparse_conv)(const SparseConvTask&);
  void (*sparse_conv_codes)(const SparseConvTask&);
  void (*sparse_linear)(const SparseLinearTask&);
  void (*sparse_linear_codes)(const SparseLinearTask&);
  void (*pool)(const PoolTask&);
  void (*pool_codes)(const PoolTask&);
  void (*add)(const AddTask&);
  void (*add_codes)(const AddTask&);
};

const Kernels& portable_kernels();
/// Null where the compiler or the processor does not have them.
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace espalier::runtime
