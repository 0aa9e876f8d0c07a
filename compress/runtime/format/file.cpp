#include "espalier/compress/runtime/format/file.h"

#include <cmath>
#include <cstring>

#include "espalier/compress/runtime/format/checksum.h"

namespace espalier::runtime {
namespace {

Status no_memory(const Budget& budget) {
  if (budget.exceeded())
    return {StatusCode::too_large, "the weights need more memory than max_bytes allows"};
  return {StatusCode::out_of_memory, "the system has no memory for the weights"};
}

bool all_finite(const Array<float>& values) {
  for (const float value : values) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

}  // namespace

Status open_file(const uint8_t* data, size_t size, FileParts& parts) {
  if (!data || size < checked_from || std::memcmp(data, magic, sizeof magic) != 0)
    return {StatusCode::not_a_network,
            "this is not an exported network: it does not begin with ESPL"};
  const int version = data[4];
  if (version < 1 || version > format_version)
    return {StatusCode::unsupported_version,
            "the file has format version %d; this library reads versions 1 to %d", version,
            format_version};
  ByteReader in(data + 5, size - 5);
  const uint32_t checksum = in.fixed32();
  if (crc32(data + checked_from, size - checked_from) != checksum)
    return {StatusCode::damaged, "the checksum is wrong: the file is cut short or was changed"};
  parts.header = in.take(in.varint());
  parts.stream = in.take(in.varint());
  parts.version = version;
  // Version 1 has nothing behind the self-test, and does not say how long that is.
  parts.self_test = in.take(version == 1 ? in.left() : in.varint());
  parts.class_names = in.take(in.left());
  if (in.failed()) return {StatusCode::damaged, "the file ends too early"};
  return {};
}

Status WeightReader::begin() {
  int64_t rows = 0, columns = 0, outputs = 0;
  for (const Operation& operation : graph_.operations) {
    if (!operation.has_weight()) continue;
    const WeightInfo& w = operation.weight;
    rows = w.outputs > rows ? w.outputs : rows;
    columns = w.columns() > columns ? w.columns() : columns;
    outputs += w.outputs;
  }
  if (!kept_begin_.allocate(budget_, graph_.operations.size()) ||
      !kept_.allocate(budget_, static_cast<size_t>(outputs)) ||
      (columns > 0 && !model_.reserve(budget_, rows, columns))) {
    return no_memory(budget_);
  }
  outputs = 0;
  for (size_t i = 0; i < graph_.operations.size(); ++i) {
    kept_begin_[i] = outputs;
    if (graph_.operations[i].has_weight()) outputs += graph_.operations[i].weight.outputs;
  }
  return {};
}

Status WeightReader::read(const Operation& operation, WeightData& data) {
  const WeightInfo& w = operation.weight;
  const auto index = static_cast<size_t>(operation.output) - 1;
  const WeightGeometry geometry = weight_geometry(graph_, operation);
  const int maker = channel_maker(graph_, operation);
  const int32_t* alive = nullptr;
  if (maker >= 0 &&
      graph_.operations[static_cast<size_t>(maker)].weight.outputs == geometry.channels) {
    alive = kept_.data() + kept_begin_[static_cast<size_t>(maker)];
  }
  Array<int32_t> kept;
  if (!data.allocate(budget_, w, !graph_.input(operation).codes) ||
      !kept.allocate(budget_, static_cast<size_t>(w.outputs))) {
    return no_memory(budget_);
  }
  code_weight(decoder_, model_, w, geometry, alive, data, kept);
  if (decoder_.overrun())
    return {StatusCode::damaged, "the weights of operation %zu end too early", index};
  std::memcpy(kept_.data() + kept_begin_[index], kept.data(), kept.size() * sizeof(int32_t));
  if (w.form == WeightForm::codebook) {
    if (!data.values.allocate(budget_, static_cast<size_t>(w.size()))) return no_memory(budget_);
    for (size_t i = 0; i < data.values.size(); ++i) {
      data.values[i] = data.codebook[data.indices[i]];
    }
    data.indices.release();
  }
  return check_weight(graph_, operation, data);
}

Status WeightReader::end() const {
  if (decoder_.left() != 0)
    return {StatusCode::invalid, "there are %zu bytes behind the last weight", decoder_.left()};
  return {};
}

Status check_weight(const Graph& graph, const Operation& operation, const WeightData& data) {
  const auto invalid = [&operation](const char* what) {
    return Status(StatusCode::invalid, "operation %d (%.*s) %s", operation.output - 1,
                  static_cast<int>(operation.name_size > 40 ? 40 : operation.name_size),
                  reinterpret_cast<const char*>(operation.name), what);
  };
  const WeightInfo& w = operation.weight;
  if (!all_finite(data.values) || !all_finite(data.bias_values) || !all_finite(data.scales) ||
      (data.bias_scale >= 0 && !std::isfinite(data.bias_scale)))
    return invalid("has numbers that are not finite");
  for (const float scale : data.scales) {
    if (!(scale > 0)) return invalid("has a scale that is not above 0");
  }
  const auto columns = static_cast<size_t>(w.columns());
  for (const int16_t code : data.codes) {
    if (code < -255 || code > 255) return invalid("has a code beyond 255");
  }
  const Value& input = graph.input(operation);
  if (!input.codes) {
    // The scale of codes as biases was stored as any 32 bits.
    if (w.bias == BiasForm::codes && !(data.bias_scale > 0))
      return invalid("has a bias whose scale is not above 0");
    return {};
  }
  const Value& output = graph.output(operation);
  for (size_t o = 0; o < static_cast<size_t>(w.outputs); ++o) {
    int64_t sum = 0;
    for (size_t j = 0; j < columns; ++j) sum += std::abs(data.codes[o * columns + j]);
    const int64_t bias = data.bias_codes.empty() ? 0 : data.bias_codes[o];
    if (510 * sum + std::llabs(bias) > INT32_MAX)
      return invalid("has weights whose sum may pass 32 bits");
    if (output.codes) {
      const double scale = data.scales[data.scales.size() == 1 ? 0 : o];
      if (multiplier(scale * input.grid.scale / output.grid.scale).shift == 0)
        return invalid("has scales whose ratio cannot be computed with");
    }
  }
  return {};
}

}  // namespace espalier::runtime
