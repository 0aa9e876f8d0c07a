#include "espalier/compress/file/write.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/file/range_encoder.h"
#include "espalier/compress/runtime/format/checksum.h"
#include "espalier/compress/runtime/format/file.h"

namespace espalier::compress::file {
namespace {

[[noreturn]] void fail(const Operation& operation, const std::string& what) {
  const Error error("encode", what);
  throw operation.layer.empty() ? error : error.at(operation.layer);
}

/// Bytes and numbers one after the other.
class ByteWriter {
 public:
  void byte(int value) { bytes.push_back(static_cast<uint8_t>(value)); }
  void varint(int64_t value) {
    for (; value >= 128; value >>= 7) byte(static_cast<int>(value & 127) | 128);
    byte(static_cast<int>(value));
  }
  void fixed32(uint32_t value) {
    for (int i = 0; i < 4; ++i) byte(static_cast<int>(value >> (8 * i) & 255));
  }
  void float32(float value) { fixed32(std::bit_cast<uint32_t>(value)); }
  void append(const std::vector<uint8_t>& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  }

  std::vector<uint8_t> bytes;
};

/// An extent or another number that is written as a varint.
int64_t checked(const Operation& operation, int64_t value, const char* name) {
  if (value < 0 || value > std::numeric_limits<uint32_t>::max())
    fail(operation, std::string(name) + " is " + std::to_string(value));
  return value;
}

/// The codebook with its zero, if there is one, as the only one and first.
struct SortedCodebook {
  std::vector<float> entries;
  std::vector<uint8_t> place;  // of each entry before
  bool has_zero = false;
};
SortedCodebook sorted_codebook(const Operation& operation, const Weights& weights) {
  SortedCodebook sorted;
  if (weights.codebook.empty() || weights.codebook.size() > 256)
    fail(operation,
         "a codebook has 1 to 256 entries, not " + std::to_string(weights.codebook.size()));
  sorted.has_zero = std::ranges::count(weights.codebook, 0.0f) > 0;
  sorted.entries = weights.codebook;
  std::ranges::sort(sorted.entries);
  if (sorted.has_zero) {
    std::erase(sorted.entries, 0.0f);
    sorted.entries.insert(sorted.entries.begin(), 0.0f);
  }
  sorted.entries.erase(std::unique(sorted.entries.begin(), sorted.entries.end()),
                       sorted.entries.end());
  for (const float entry : weights.codebook) {
    const auto at = std::ranges::find(sorted.entries, entry);
    if (at == sorted.entries.end()) fail(operation, "a codebook entry is not a number");
    sorted.place.push_back(static_cast<uint8_t>(at - sorted.entries.begin()));
  }
  return sorted;
}

runtime::WeightForm form_of(const Operation& operation, const Weights& weights) {
  const bool has[] = {!weights.values.empty(), !weights.codes.empty(), !weights.indices.empty()};
  if (has[0] + has[1] + has[2] != 1)
    fail(operation, "weights must have one of values, codes and indices");
  return has[0]   ? runtime::WeightForm::values
         : has[1] ? runtime::WeightForm::codes
                  : runtime::WeightForm::codebook;
}

/// How many bits the largest magnitude less 1 has.
int magnitude_bits(const Operation& operation, const std::vector<int16_t>& codes) {
  int largest = 1;
  for (const int16_t code : codes) largest = std::max(largest, std::abs(int{code}));
  if (largest > 255) fail(operation, "a weight has the code " + std::to_string(largest));
  return static_cast<int>(std::bit_width(static_cast<unsigned>(largest - 1)));
}

class HeaderWriter {
 public:
  explicit HeaderWriter(const Network& network)
      : network_(network), order_(network.values.size(), -1) {}

  std::vector<uint8_t> write() {
    if (network_.values.empty() || network_.operations.empty())
      throw Error("encode", "a network needs an input and at least one operation");
    if (network_.values.size() != network_.operations.size() + 1)
      throw Error("encode", "each value but the input must be the result of one operation");
    out_.varint(static_cast<int64_t>(network_.operations.size()));
    write_input();
    order_[0] = 0;
    int index = 0;
    for (const Operation& operation : network_.operations) write_operation(operation, index++);
    if (network_.operations.back().output + 1 != static_cast<int>(network_.values.size()))
      throw Error("encode", "the last operation must make the last value");
    return std::move(out_.bytes);
  }

 private:
  const Value& value(const Operation& operation, int index) const {
    if (index < 0 || index >= static_cast<int>(network_.values.size()))
      fail(operation, "names the value " + std::to_string(index) + ", which there is not");
    return network_.values[static_cast<size_t>(index)];
  }

  static bool is_full(const Grid& grid) { return grid.lowest == -128 && grid.highest == 127; }

  void write_grid(const Grid& grid) {
    for (const int code : {grid.zero_point, grid.lowest, grid.highest}) {
      if (code < -128 || code > 127)
        throw Error("encode",
                    "a grid has the code " + std::to_string(code) + "; codes are from -128 to 127");
    }
    out_.float32(grid.scale);
    out_.byte(grid.zero_point & 255);
    if (is_full(grid)) return;
    out_.byte(grid.lowest & 255);
    out_.byte(grid.highest & 255);
  }

  void write_extents(const std::vector<int64_t>& shape) {
    out_.byte(static_cast<int>(shape.size()));
    for (const int64_t extent : shape) out_.varint(std::max<int64_t>(extent, 0));
  }

  void write_input() {
    const Value& input = network_.values[0];
    if (input.shape.empty() || input.shape.size() > 3)
      throw Error("encode", "the input has a shape of " + std::to_string(input.shape.size()) +
                                " extents; 1 to 3 can be");
    const Normalisation& n = network_.normalisation;
    const size_t count = std::max(n.mean.size(), n.deviation.size());
    out_.byte((input.has_codes() ? 1 : 0) + (input.has_codes() && is_full(*input.grid) ? 2 : 0) +
              (count > 0 ? 4 : 0));
    write_extents(input.shape);
    if (input.has_codes()) write_grid(*input.grid);
    if (count == 0) return;
    const auto at = [&](const std::vector<float>& values, size_t c, float otherwise) {
      if (values.empty()) return otherwise;
      if (values.size() != 1 && values.size() != count)
        throw Error("encode", "the normalisation has " + std::to_string(n.mean.size()) +
                                  " means and " + std::to_string(n.deviation.size()) +
                                  " deviations");
      return values.size() == 1 ? values[0] : values[c];
    };
    out_.varint(static_cast<int64_t>(count));
    for (size_t c = 0; c < count; ++c) {
      out_.float32(at(n.mean, c, 0));
      out_.float32(at(n.deviation, c, 1));
    }
  }

  void write_operation(const Operation& o, int index) {
    const Value& output = value(o, o.output);
    int& place = order_[static_cast<size_t>(o.output)];
    if (place >= 0) fail(o, "makes a value that is made already");
    const bool keeps = std::holds_alternative<MaxPool>(o.what) ||
                       std::holds_alternative<Flatten>(o.what) ||
                       std::holds_alternative<Reshape>(o.what);
    const bool chained = o.inputs.size() == 1 && order_of(o, o.inputs[0]) == index;
    const bool codes = output.has_codes() && !keeps;
    out_.byte(static_cast<int>(o.what.index()) | (codes ? 16 : 0) |
              (codes && is_full(*output.grid) ? 32 : 0) | (o.layer.empty() ? 0 : 64) |
              (chained ? 0 : 128));
    if (!o.layer.empty()) {
      out_.varint(static_cast<int64_t>(o.layer.size()));
      for (const char c : o.layer) out_.byte(c);
    }
    if (!chained) {
      out_.varint(static_cast<int64_t>(o.inputs.size()));
      for (const int input : o.inputs) out_.varint(index + 1 - order_of(o, input));
    }
    std::visit([&](const auto& what) { write_attributes(o, what); }, o.what);
    if (codes) write_grid(*output.grid);
    place = index + 1;
  }

  int order_of(const Operation& o, int input) const {
    value(o, input);
    const int order = order_[static_cast<size_t>(input)];
    if (order < 0) fail(o, "reads a value that no operation before it makes");
    return order;
  }

  void write_weight_flags(const Operation& o, const Weights& w, const Bias& bias, Clamp clamp) {
    const runtime::WeightForm form = form_of(o, w);
    if (!bias.values.empty() && !bias.codes.empty()) fail(o, "has biases in two forms");
    const int bias_form = !bias.values.empty() ? 1 : !bias.codes.empty() ? 2 : 0;
    const bool by_channel = form == runtime::WeightForm::codes && w.scales.size() > 1;
    out_.byte(static_cast<int>(form) | bias_form << 2 | static_cast<int>(clamp) << 4 |
              (by_channel ? 64 : 0));
  }
  void write_weight_end(const Operation& o, const Weights& w) {
    switch (form_of(o, w)) {
      case runtime::WeightForm::values:
        break;
      case runtime::WeightForm::codes:
        out_.byte(magnitude_bits(o, w.codes));
        break;
      case runtime::WeightForm::codebook: {
        const SortedCodebook codebook = sorted_codebook(o, w);
        out_.byte(static_cast<int>(codebook.entries.size()) - 1);
        out_.byte(codebook.has_zero ? 0 : 1);
        break;
      }
    }
  }
  void write_attributes(const Operation& o, const Convolution& c) {
    if (c.weights.shape.size() != 4) fail(o, "a convolution's weight is O×kH×kW×I");
    write_weight_flags(o, c.weights, c.bias, c.clamp);
    for (int i = 0; i < 3; ++i)
      out_.varint(checked(o, c.weights.shape[static_cast<size_t>(i)], "the weight's extent"));
    const bool plain = c.stride == 1 && c.dilation == 1 && c.groups == 1;
    out_.byte(plain);
    out_.varint(checked(o, c.padding, "the padding"));
    if (!plain) {
      out_.varint(checked(o, c.stride, "the stride"));
      out_.varint(checked(o, c.dilation, "the dilation"));
      out_.varint(checked(o, c.groups, "the number of groups"));
    }
    write_weight_end(o, c.weights);
  }
  void write_attributes(const Operation& o, const Linear& l) {
    if (l.weights.shape.size() != 2) fail(o, "a linear layer's weight is O×I");
    write_weight_flags(o, l.weights, l.bias, l.clamp);
    out_.varint(checked(o, l.weights.shape[0], "the weight's extent"));
    write_weight_end(o, l.weights);
  }
  void write_attributes(const Operation& o, const MaxPool& p) { write_window(o, p); }
  void write_attributes(const Operation& o, const AveragePool& p) { write_window(o, p); }
  template <typename Pool>
  void write_window(const Operation& o, const Pool& pool) {
    out_.varint(checked(o, pool.kernel, "the kernel"));
    out_.varint(checked(o, pool.stride, "the stride"));
    out_.varint(checked(o, pool.padding, "the padding"));
  }
  void write_attributes(const Operation&, const Add& a) { out_.byte(static_cast<int>(a.clamp)); }
  void write_attributes(const Operation& o, const Reshape&) {
    write_extents(value(o, o.output).shape);
  }
  void write_attributes(const Operation& o, const Activation& a) {
    out_.byte(static_cast<int>(a.function));
    if (a.function == Function::leaky_relu) out_.float32(a.slope);
    if (o.inputs.size() != 1 || !value(o, o.inputs[0]).has_codes()) return;
    if (a.table.size() != 256) fail(o, "an activation on codes needs a table of 256 codes");
    for (const int8_t code : a.table) out_.byte(code & 255);
  }
  void write_attributes(const Operation&, const GlobalAveragePool&) {}
  void write_attributes(const Operation&, const Concat&) {}
  void write_attributes(const Operation&, const Flatten&) {}
  void write_attributes(const Operation&, const Convert&) {}

  const Network& network_;
  std::vector<int> order_;  // in the file, by the description's index
  ByteWriter out_;
};

void check(const runtime::Status& status) {
  if (!status.ok()) throw Error("encode", status.message());
}

template <typename T, typename From>
void fill(const Operation& operation, runtime::Array<T>& to, const std::vector<From>& from,
          const char* name) {
  if (from.size() != to.size())
    fail(operation, std::string("has ") + std::to_string(from.size()) + " " + name + ", not " +
                        std::to_string(to.size()));
  std::copy(from.begin(), from.end(), to.begin());
}

/// What the description says of an operation's numbers, in the loader's form.
void fill_weight(const Operation& operation, const Weights& weights, const Bias& bias,
                 const runtime::WeightInfo& info, runtime::WeightData& data) {
  int64_t size = 1;
  for (const int64_t extent : weights.shape) size *= extent;
  if (size != info.size() || weights.shape.back() != info.inputs)
    fail(operation, "has a weight with " + std::to_string(weights.shape.back()) +
                        " inputs, but its input and groups have " + std::to_string(info.inputs));
  switch (info.form) {
    case runtime::WeightForm::values:
      fill(operation, data.values, weights.values, "weights");
      break;
    case runtime::WeightForm::codes:
      fill(operation, data.codes, weights.codes, "codes");
      fill(operation, data.scales, weights.scales, "scales");
      break;
    case runtime::WeightForm::codebook: {
      const SortedCodebook codebook = sorted_codebook(operation, weights);
      fill(operation, data.codebook, codebook.entries, "codebook entries");
      std::vector<uint8_t> indices;
      for (const uint8_t index : weights.indices) {
        if (index >= codebook.place.size()) fail(operation, "has an index beyond its codebook");
        indices.push_back(codebook.place[index]);
      }
      fill(operation, data.indices, indices, "indices");
      break;
    }
  }
  if (info.bias == runtime::BiasForm::values)
    fill(operation, data.bias_values, bias.values, "biases");
  if (info.bias == runtime::BiasForm::codes) fill(operation, data.bias_codes, bias.codes, "biases");
  if (data.bias_scale >= 0) data.bias_scale = bias.scale;
}

void check_shapes(const Network& network, const runtime::Graph& graph) {
  for (size_t i = 0; i < network.operations.size(); ++i) {
    const Operation& operation = network.operations[i];
    const Value& value = network.values[static_cast<size_t>(operation.output)];
    const runtime::Value& derived = graph.values[i + 1];
    const std::vector<int64_t> shape(derived.extents, derived.extents + derived.rank);
    if (value.shape != shape)
      fail(operation, "makes a value of another shape than the network says");
    const bool same_kind = value.has_codes() == derived.codes;
    if (!same_kind || (value.has_codes() && (value.grid->scale != derived.grid.scale ||
                                             value.grid->zero_point != derived.grid.zero_point ||
                                             value.grid->lowest != derived.grid.lowest ||
                                             value.grid->highest != derived.grid.highest)))
      fail(operation, "keeps the grid of its input, but its result has another");
  }
}

void write_class_names(const Network& network, size_t classes, ByteWriter& out) {
  const std::vector<std::string>& names = network.class_names;
  if (names.size() != classes)
    throw Error("encode", "there are " + std::to_string(names.size()) + " names for " +
                              std::to_string(classes) + " classes");
  out.varint(static_cast<int64_t>(names.size()));
  for (const std::string& name : names) {
    if (name.find('\0') != std::string::npos)
      throw Error("encode", "the name of a class has a character 0 in it");
    out.varint(static_cast<int64_t>(name.size()));
    for (const char c : name) out.byte(static_cast<unsigned char>(c));
  }
}

}  // namespace

std::vector<uint8_t> self_test_pixels(uint32_t seed, int64_t count) {
  std::vector<uint8_t> pixels;
  for (uint32_t state = seed; count > 0; --count) {
    state = state * 1664525u + 1013904223u;
    pixels.push_back(static_cast<uint8_t>(state >> 24));
  }
  return pixels;
}

std::vector<uint8_t> encode(const Network& network) {
  const std::vector<uint8_t> header = HeaderWriter(network).write();
  // What follows reads the header as the loader does: shapes are derived and checked in one place.
  runtime::Budget budget(std::numeric_limits<size_t>::max());
  runtime::Graph graph;
  check(runtime::read_graph({header.data(), header.size()}, budget, graph));
  check_shapes(network, graph);

  RangeEncoder encoder;
  auto model = std::make_unique<runtime::WeightModel<RangeEncoder>>(encoder);
  std::vector<runtime::Array<int32_t>> kept(network.operations.size());
  for (size_t i = 0; i < network.operations.size(); ++i) {
    const Operation& operation = network.operations[i];
    const runtime::Operation& o = graph.operations[i];
    if (!o.has_weight()) continue;
    const auto* convolution = std::get_if<Convolution>(&operation.what);
    const auto* linear = std::get_if<Linear>(&operation.what);
    runtime::WeightData data;
    const bool room = data.allocate(budget, o.weight, !graph.input(o).codes) &&
                      kept[i].allocate(budget, static_cast<size_t>(o.weight.outputs)) &&
                      model->reserve(budget, o.weight.outputs, o.weight.columns());
    if (!room) throw Error("encode", "there is no memory for the weights");
    fill_weight(operation, convolution ? convolution->weights : linear->weights,
                convolution ? convolution->bias : linear->bias, o.weight, data);
    check(runtime::check_weight(graph, o, data));
    const runtime::WeightGeometry geometry = runtime::weight_geometry(graph, o);
    const int maker = runtime::channel_maker(graph, o);
    const bool known =
        maker >= 0 &&
        static_cast<int64_t>(kept[static_cast<size_t>(maker)].size()) == geometry.channels;
    runtime::code_weight(encoder, *model, o.weight, geometry,
                         known ? kept[static_cast<size_t>(maker)].data() : nullptr, data, kept[i]);
  }
  const std::vector<uint8_t> stream = encoder.finish();

  ByteWriter body;
  body.varint(static_cast<int64_t>(header.size()));
  body.append(header);
  body.varint(static_cast<int64_t>(stream.size()));
  body.append(stream);
  const auto size = static_cast<size_t>(graph.values[graph.values.size() - 1].size());
  ByteWriter self_test;
  if (const auto& test = network.self_test) {
    const Value& output = network.values.back();
    if (test->codes.size() != (output.has_codes() ? size : 0) ||
        test->values.size() != (output.has_codes() ? 0 : size))
      throw Error("encode", "the self-test must have one number for each of the network's outputs");
    self_test.fixed32(test->seed);
    for (const int8_t code : test->codes) self_test.byte(code & 255);
    for (const float value : test->values) self_test.float32(value);
  }
  // Version 1 has everything but names, and ends with the self-test.
  const int version = network.class_names.empty() ? 1 : 2;
  if (version > 1) body.varint(static_cast<int64_t>(self_test.bytes.size()));
  body.append(self_test.bytes);
  if (version > 1) write_class_names(network, size, body);
  ByteWriter file;
  for (const uint8_t letter : runtime::magic) file.byte(letter);
  file.byte(version);
  file.fixed32(runtime::crc32(body.bytes.data(), body.bytes.size()));
  file.append(body.bytes);
  return std::move(file.bytes);
}

}  // namespace espalier::compress::file
