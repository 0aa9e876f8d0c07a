#pragma once

#include "espalier/compress/runtime/format/file.h"
#include "espalier/compress/runtime/kernels/kernels.h"
#include "espalier/compress/runtime/storage.h"

/// What `run` does, decided at load: steps over buffers in the caller's arena.
namespace espalier::runtime {

/// A value in the arena. All samples of a chunk lie one after the other.
struct Buffer {
  View view;
  bool codes;
  int32_t border;  ///< pixels around the picture, for the padding of convolutions
  int32_t element_bytes;
  int64_t bytes;          ///< of a sample, a multiple of 64
  int64_t first_element;  ///< where the picture begins within a sample
  int32_t zero;           ///< what stands in the border: 0, or the zero point as stored
  int32_t made_by;        ///< step
  int32_t last_used_by;
  int64_t offset;  ///< in the arena, for chunks of one sample
};

enum class StepKind : uint8_t {
  dense,
  depthwise,
  sparse_conv,
  sparse_linear,
  pool,
  add,
  function,  ///< of each element
  convert,   ///< between float32 and codes, or between grids; also from layout to layout
};

/// One pass over a value. Pointers lie in the plan's storage.
struct Step {
  StepKind kind;
  bool codes;  ///< whether the input has codes
  int32_t operation;
  int32_t input, second, output;  ///< buffers; second: of a sum, or the residual; −1: none

  // Weights.
  int32_t groups;            ///< the parts below once for each
  int64_t x_first, x_group;  ///< first element of the first window, and of each group
  int64_t x_row, x_column;   ///< between windows
  bool samples_are_columns;  ///< the result has one pixel: samples stand in for columns
  const int64_t* runs;
  int32_t run_count, run_groups;
  const void* weights;
  int64_t weight_bytes;  ///< of one group
  const int32_t* starts;
  const int32_t* offsets;
  int64_t scratch_plane;
  const uint8_t* picks;
  const int32_t* windows;
  int32_t outputs;  ///< of one group
  int32_t padded_outputs;
  Epilogue epilogue;  ///< without the residual's address

  // Windows of pools, and what else there is.
  int32_t kernel, stride, padding;
  bool whole, mean;
  int32_t x_zero, second_zero, y_zero, factor, second_factor, shift, lowest, highest;
  float low, high;
  Function function;
  float slope;
  const uint8_t* table;   ///< of codes as they are stored
  float scale;            ///< of a conversion's codes
  int32_t first_channel;  ///< of the result, where a concatenation puts its part
  bool flat;              ///< elements are copied in the order of the shapes, not pixel by pixel
  bool channels_first;    ///< …with the channel outermost in the input
  int32_t
      phases;  ///< of each axis, into which a copy sorts pixels for a stride; 0: it sorts nothing
};

struct Plan {
  explicit Plan(Budget& budget) : storage(budget) {}

  const Kernels* kernels = nullptr;
  Storage storage;
  Buffer* buffers = nullptr;
  int32_t buffer_count = 0;
  Step* steps = nullptr;
  int32_t step_count = 0;
  int32_t input = 0, output = 0;      ///< buffers
  int64_t sample_bytes = 0;           ///< of all buffers together
  int64_t scratch_bytes = 0;          ///< of a thread
  int32_t chunk = 1;                  ///< samples that go through the steps together
  const void* pixel_table = nullptr;  ///< [channel][256], in the input's elements
  int64_t weights = 0, kept = 0;
  int32_t sparse_steps = 0;
};

struct PlanOptions {
  bool sparse;  ///< whether kept weights alone may be visited
};

/// \return a status; `wide_weights` is set if the kernels' integer weights are too narrow, and then
/// the plan must be made with others.
Status make_plan(const Graph& graph, WeightReader& weights, const PlanOptions& options,
                 Budget& budget, Plan& plan, bool& wide_weights);

}  // namespace espalier::runtime
