#pragma once

#include <cstdint>

#include "espalier/compress/runtime/fixed_point.h"
#include "espalier/compress/runtime/format/byte_reader.h"
#include "espalier/compress/runtime/memory.h"
#include "espalier/compress/runtime/status.h"

/// What the header of a file says, checked: compress/file/network.h in the form the runtime works
/// with. docs/file-format.md has the bytes.
namespace espalier::runtime {

constexpr uint8_t magic[4] = {'E', 'S', 'P', 'L'};
constexpr int format_version = 2;  ///< the newest; those before are read as well
constexpr size_t checked_from = 9;  ///< magic, version and checksum come before what is checked

/// Numbers in a header above these are refused: nothing that anybody would run has them.
constexpr int64_t largest_extent = 1 << 24;
constexpr int64_t largest_size = int64_t{1} << 30;  ///< elements of a value or a weight
constexpr int most_operations = 1 << 12;
constexpr int most_inputs = 64;  ///< of a concatenation

struct Grid {
  float scale;
  int32_t zero_point, lowest, highest;
};

struct Value {
  int32_t rank;
  int64_t extents[3];  ///< of one sample; those beyond the rank are 1
  bool codes;
  Grid grid;  ///< of codes

  int64_t size() const { return extents[0] * extents[1] * extents[2]; }
  /// As a picture: a vector is one pixel.
  int64_t height() const { return rank == 3 ? extents[0] : 1; }
  int64_t width() const { return rank == 3 ? extents[1] : rank == 2 ? extents[0] : 1; }
  int64_t channels() const { return extents[rank - 1]; }
};

enum class OperationKind : uint8_t {
  convolution,
  linear,
  max_pool,
  average_pool,
  global_average_pool,
  add,
  concat,
  flatten,
  reshape,
  activation,
  convert,
};
constexpr int operation_kinds = 11;
enum class Clamp : uint8_t { none, relu, relu6 };
enum class Function : uint8_t { relu, relu6, leaky_relu, sigmoid, tanh, gelu, hardswish };
constexpr int functions = 7;

enum class WeightForm : uint8_t { values, codes, codebook };
enum class BiasForm : uint8_t { none, values, codes };

/// What the header says about a weight; the numbers follow in the stream.
struct WeightInfo {
  int64_t outputs, kernel_height, kernel_width, inputs;  ///< inputs of one group
  WeightForm form;
  int32_t bits;           ///< of a magnitude less 1, or of an index
  int32_t codebook_size;  ///< entries, that of the zero included
  int32_t zero_index;     ///< the entry that is 0; −1: none
  bool channel_scales;
  BiasForm bias;

  int64_t columns() const { return kernel_height * kernel_width * inputs; }
  int64_t size() const { return outputs * columns(); }
};

struct Operation {
  OperationKind kind;
  const uint8_t* name;  ///< of its layer, in the file's memory
  uint32_t name_size;
  int32_t first_input, input_count;  ///< a piece of `Graph::inputs`
  int32_t output;
  Clamp clamp;
  int32_t kernel, stride, padding, dilation, groups;
  Function function;
  float slope;
  WeightInfo weight;
  const uint8_t* table;  ///< of an activation on codes: 256 bytes in the file's memory

  bool has_weight() const {
    return kind == OperationKind::convolution || kind == OperationKind::linear;
  }
};

struct Graph {
  Array<Value> values;  ///< the first is the input; value i + 1 is the result of operation i
  Array<Operation> operations;
  Array<int32_t> inputs;
  Array<float> mean, deviation;  ///< one per channel of the input

  const Value& input(const Operation& operation, int i = 0) const {
    return values[static_cast<size_t>(
        inputs[static_cast<size_t>(operation.first_input) + static_cast<size_t>(i)])];
  }
  const Value& output(const Operation& operation) const {
    return values[static_cast<size_t>(operation.output)];
  }
};

/// Reads the header and derives the shape of every value. Names and tables point into `header`.
Status read_graph(ByteReader header, Budget& budget, Graph& graph);

/// The range of the codes of a result with its clamp: max(lowest, zero point) … min(highest,
/// zero point + 6/scale, rounded half to even).
struct CodeRange {
  int32_t lowest, highest;
};
CodeRange code_range(const Grid& grid, Clamp clamp);

}  // namespace espalier::runtime
