#include "espalier/compress/runtime/format/weight_stream.h"

namespace espalier::runtime {

bool WeightData::allocate(Budget& budget, const WeightInfo& w, bool bias_has_scale) {
  const auto size = static_cast<size_t>(w.size()), outputs = static_cast<size_t>(w.outputs);
  bias_scale = bias_has_scale ? 0.0f : -1.0f;
  if (w.bias == BiasForm::values && !bias_values.allocate(budget, outputs)) return false;
  if (w.bias == BiasForm::codes && !bias_codes.allocate(budget, outputs)) return false;
  switch (w.form) {
    case WeightForm::values:
      return values.allocate(budget, size);
    case WeightForm::codes:
      return codes.allocate(budget, size) &&
             scales.allocate(budget, w.channel_scales ? outputs : 1);
    case WeightForm::codebook:
      return indices.allocate(budget, size) &&
             codebook.allocate(budget, static_cast<size_t>(w.codebook_size));
  }
  return false;
}

namespace {

/// The operation that makes the i-th input, or null for the network's input.
const Operation* maker_of_input(const Graph& graph, const Operation& operation) {
  const int32_t value = graph.inputs[static_cast<size_t>(operation.first_input)];
  return value == 0 ? nullptr : &graph.operations[static_cast<size_t>(value) - 1];
}

}  // namespace

WeightGeometry weight_geometry(const Graph& graph, const Operation& operation) {
  const WeightInfo& w = operation.weight;
  WeightGeometry geometry;
  geometry.rows = w.outputs;
  geometry.columns = w.columns();
  geometry.channels = w.inputs;
  if (operation.kind == OperationKind::convolution) {
    geometry.step = w.inputs;
    geometry.line = w.inputs * w.kernel_width;
    return geometry;
  }
  const Operation* maker = maker_of_input(graph, operation);
  if (maker && maker->kind == OperationKind::flatten && graph.input(*maker).rank == 3) {
    const Value& picture = graph.input(*maker);
    geometry.channels = picture.channels();
    geometry.channels_inner = false;
    if (picture.height() * picture.width() > 1) {
      geometry.step = 1;
      geometry.line = picture.width();
    }
  }
  return geometry;
}

int channel_maker(const Graph& graph, const Operation& operation) {
  if (operation.groups > 1) return -1;
  const Operation* maker = maker_of_input(graph, operation);
  while (maker) {
    switch (maker->kind) {
      case OperationKind::convolution:
      case OperationKind::linear:
        return maker->output - 1;
      case OperationKind::max_pool:
      case OperationKind::average_pool:
      case OperationKind::global_average_pool:
      case OperationKind::flatten:
      case OperationKind::activation:
      case OperationKind::convert:
        maker = maker_of_input(graph, *maker);
        break;
      default:
        return -1;
    }
  }
  return -1;
}

}  // namespace espalier::runtime
