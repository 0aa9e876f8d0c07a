#pragma once

#include <cstdint>

// Included by files that are compiled for one instruction set only: no function bodies here and no
// header of the standard library that has any. An inline function compiled for AVX-512 might be the
// copy that the linker keeps for all.

namespace espalier::backend {

/// The windows that a kernel moves over a picture `height×width×channels`, one for each output
/// pixel.
struct Windows {
  int64_t height, width, channels;
  int64_t kernel_height, kernel_width;
  int64_t stride, padding, dilation;
  int64_t out_height, out_width;
};

/// The values that a quantized number can have: scale·(q − zero) for the integers q from lowest to
/// highest.
struct Levels {
  float scale, zero, lowest, highest;
};

/// The kernels that walk over memory once. They run on the calling thread; who calls cuts the work
/// into parts. Results may overwrite an input of the same position.
struct VectorKernels {
  /// out = a + b; out = a·b.
  void (*add)(int64_t n, const float* a, const float* b, float* out);
  void (*multiply)(int64_t n, const float* a, const float* b, float* out);
  /// out = factor·x.
  void (*scale)(int64_t n, float factor, const float* x, float* out);
  /// y = max(x, 0); gx = g where y > 0, else 0.
  void (*relu)(int64_t n, const float* x, float* y);
  void (*relu_gradient)(int64_t n, const float* y, const float* g, float* gx);
  /// out = x where the bit is set, else +0. `bits` starts at x's first element.
  void (*mask)(int64_t n, const float* x, const uint64_t* bits, float* out);
  /// y = x to the nearest integer, ties to even.
  void (*round)(int64_t n, const float* x, float* y);
  /// y = min(max(x, low), high); gx = g where low ≤ x ≤ high, else 0.
  void (*clamp)(int64_t n, float low, float high, const float* x, float* y);
  void (*clamp_gradient)(int64_t n, float low, float high, const float* x, const float* g,
                         float* gx);
  /// y = scale·(q − zero), q = x/scale + zero rounded to the nearest integer (ties to even, before
  /// zero is added) and limited to lowest…highest.
  void (*fake_quantize)(int64_t n, const Levels&, const float* x, float* y);
  /// The smallest and the largest of n ≥ 1 values; NaN is passed over.
  void (*range)(int64_t n, const float* x, float* smallest, float* largest);
  /// Σ x, added up in double precision.
  double (*sum)(int64_t n, const float* x);
  /// y[r][c] += bias[c].
  void (*add_to_rows)(int64_t rows, int64_t columns, const float* bias, float* y);
  /// out[c] = Σ_r x[r][c].
  void (*column_sums)(int64_t rows, int64_t columns, const float* x, float* out);
  /// y[c][r] = x[r][c] + bias[r]; bias may be null.
  void (*transpose_add)(int64_t rows, int64_t columns, const float* x, const float* bias, float* y);
  /// y = the largest value of each window (dilation 1) and channel; NaN if it has one.
  void (*max_pool)(const Windows&, int64_t pictures, const float* x, float* y);
  /// gx = g at the first value of each window that equals y, else 0.
  void (*max_pool_gradient)(const Windows&, int64_t pictures, const float* x, const float* y,
                            const float* g, float* gx);
  /// The windows one behind the other, each `kernel_height×kernel_width×channels`, zeros outside
  /// the picture.
  void (*copy_windows)(const Windows&, int64_t pictures, const float* x, float* windows);
  /// The same windows of a picture with one channel and stride 1 as columns:
  /// `values×(pictures·pixels)`, a row for each place in the window. Neighbouring windows read
  /// neighbouring pixels, so rows are copied in long stretches.
  void (*copy_window_columns)(const Windows&, int64_t pictures, const float* x, float* columns);
  /// The transpose of `copy_windows`: x = 0, then every value of every window is added where it
  /// came from.
  void (*add_windows)(const Windows&, int64_t pictures, const float* windows, float* x);
  /// Convolution with one kernel for each channel, weights as
  /// `kernel_height×kernel_width×channels`. Computes rows [begin, end) of y, counted through all
  /// pictures; bias may be null.
  void (*depthwise)(const Windows&, int64_t begin, int64_t end, const float* x, const float* w,
                    const float* bias, float* y);
  /// Rows [begin, end) of gx, counted through all pictures.
  void (*depthwise_input_gradient)(const Windows&, int64_t begin, int64_t end, const float* gy,
                                   const float* w, float* gx);
  /// gw = what rows [begin, end) of y contribute to it.
  void (*depthwise_weight_gradient)(const Windows&, int64_t begin, int64_t end, const float* gy,
                                    const float* x, float* gw);
};

}  // namespace espalier::backend
