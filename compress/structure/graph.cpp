#include "espalier/compress/structure/graph.h"

#include <algorithm>
#include <map>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::compress {
namespace {

std::optional<double> find_attribute(const std::vector<Attribute>& attributes,
                                     std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (name == attribute.name) return attribute.value;
  }
  return std::nullopt;
}

bool equal(const QuantizationGrid& a, const QuantizationGrid& b) {
  return a.scale == b.scale && a.zero_point == b.zero_point && a.lowest == b.lowest &&
         a.highest == b.highest;
}

QuantizationGrid grid_of(const TracedOperation& operation) {
  const auto number = [&](const char* name) {
    return find_attribute(operation.attributes, name).value();
  };
  if (number("grids") != 1) {
    throw Error("graph", "the activations of layer '" + operation.layer +
                             "' are quantized with several grids; one for the whole tensor is "
                             "what can be followed");
  }
  return {.scale = static_cast<float>(number("scale")),
          .zero_point = static_cast<int32_t>(number("zero_point")),
          .lowest = static_cast<int32_t>(number("lowest")),
          .highest = static_cast<int32_t>(number("highest"))};
}

/// A traced value as the graph knows it: one of its own, seen through a grid.
struct Seen {
  int value = -1;
  std::optional<QuantizationGrid> grid = {};
};

/// How often each traced value is read, its being the network's result included.
std::vector<int> count_reads(const Trace& trace, int values, int result) {
  std::vector<int> reads(static_cast<size_t>(values));
  for (const TracedOperation& operation : trace.operations()) {
    for (const int input : operation.inputs) {
      if (input >= 0) ++reads[static_cast<size_t>(input)];
    }
  }
  ++reads[static_cast<size_t>(result)];
  return reads;
}

}  // namespace

double NetworkOperation::attribute(std::string_view name) const {
  if (const auto found = find_attribute(attributes, name)) return *found;
  throw Error("graph", describe() + " has no attribute '" + std::string(name) + "'");
}

nn::Parameter& NetworkOperation::parameter(std::string_view name, size_t position) const {
  const Shape& shape = inputs.at(position).shape;
  for (const auto& parameter : module->parameters) {
    if (parameter->name() != name) continue;
    if (parameter->shape() == shape) return *parameter;
    throw Error("graph", describe() + " computes with a " + std::string(name) + " of shape " +
                             shape.to_string() + ", but the layer's is " +
                             parameter->shape().to_string());
  }
  throw Error("graph", describe() + " computes with a " + std::string(name) +
                           " that is no parameter of the layer; name it '" + std::string(name) +
                           "' there");
}

nn::Parameter* NetworkOperation::bias() const {
  if (inputs.size() < 3 || inputs[2].shape.axes() == 0) return nullptr;
  return &parameter("bias", 2);
}

nn::NamedBuffer& NetworkOperation::buffer(std::string_view name) const {
  for (const auto& buffer : module->buffers) {
    if (buffer->name == name) return *buffer;
  }
  throw Error("graph", describe() + ": the layer has no buffer '" + std::string(name) + "'");
}

std::string NetworkOperation::describe() const {
  return kind + (layer.empty() ? " (outside of any layer)" : " (in layer '" + layer + "')");
}

Error unknown_operation(std::string_view pass, const NetworkOperation& operation) {
  return Error(std::string(pass), "cannot follow the operation " + operation.describe());
}

Graph Graph::of(nn::Module& model, const Shape& sample) {
  std::vector<int64_t> batch_of_one{1};
  batch_of_one.insert(batch_of_one.end(), sample.begin(), sample.end());

  std::map<std::string, std::shared_ptr<nn::ModuleRecord>> modules;
  model.for_each_module(
      [&](const std::string& path, nn::Module& module) { modules[path] = module.record(); });

  const nn::EvaluationMode evaluation(model);
  NoGrad no_grad;
  Trace trace(Tensor::zeros(Shape(std::span<const int64_t>(batch_of_one))));
  const Tensor y = model(trace.input());
  const int traced_result = trace.number_of(y);
  if (traced_result < 0) {
    throw Error("graph",
                "the network's result does not depend on its input, or was made by hand "
                "from it and not by a recorded operation");
  }

  Graph graph;
  graph.values_.push_back({.shape = trace.input().shape()});
  int traced_values = 1;
  for (const TracedOperation& operation : trace.operations())
    traced_values = std::max(traced_values, operation.output + 1);
  const std::vector<int> reads = count_reads(trace, traced_values, traced_result);
  std::vector<Seen> seen(static_cast<size_t>(traced_values));
  seen[0] = {0};

  for (const TracedOperation& traced : trace.operations()) {
    if (traced.operation == "quantize_grad") {
      seen[static_cast<size_t>(traced.output)] = seen[static_cast<size_t>(traced.inputs[0])];
      continue;
    }
    if (traced.operation == "fake_quantize") {
      Seen through = seen[static_cast<size_t>(traced.inputs[0])];
      const QuantizationGrid grid = grid_of(traced);
      graph.quantizations_.push_back({through.value, grid});
      NetworkValue& value = graph.values_[static_cast<size_t>(through.value)];
      // Everybody reads the value through this grid if nobody reads what goes into it.
      const bool for_all = !through.grid && !value.grid &&
                           reads[static_cast<size_t>(traced.inputs[0])] == 1 &&
                           value.consumers.empty();
      if (for_all) {
        value.grid = grid;
      } else if (through.grid && !equal(*through.grid, grid)) {
        throw Error("graph", "a value is quantized three times on its way into layer '" +
                                 traced.layer + "'; take the layer out of a quantizer");
      } else if (!(value.grid && equal(*value.grid, grid))) {
        through.grid = grid;
      }
      seen[static_cast<size_t>(traced.output)] = through;
      continue;
    }
    NetworkOperation operation;
    operation.kind = traced.operation;
    operation.layer = traced.layer;
    const auto module = modules.find(traced.layer);
    if (module == modules.end())
      throw Error("graph", "there is no layer '" + traced.layer + "' in the model");
    operation.module = module->second;
    operation.layer_type = module->second->type;
    operation.attributes = traced.attributes;
    const int number = static_cast<int>(graph.operations_.size());
    for (size_t i = 0; i < traced.inputs.size(); ++i) {
      NetworkInput input{.shape = traced.input_shapes[i]};
      if (traced.inputs[i] >= 0) {
        const Seen& from = seen[static_cast<size_t>(traced.inputs[i])];
        input.value = from.value;
        input.grid = from.grid;
        std::vector<int>& consumers = graph.values_[static_cast<size_t>(from.value)].consumers;
        if (consumers.empty() || consumers.back() != number) consumers.push_back(number);
      }
      operation.inputs.push_back(std::move(input));
    }
    operation.output = static_cast<int>(graph.values_.size());
    seen[static_cast<size_t>(traced.output)] = {operation.output};
    graph.values_.push_back({.shape = traced.output_shape, .producer = number});
    graph.operations_.push_back(std::move(operation));
  }

  const Seen& last = seen[static_cast<size_t>(traced_result)];
  graph.result_ = last.value;
  NetworkValue& result = graph.values_[static_cast<size_t>(last.value)];
  if (last.grid && result.consumers.empty()) {
    result.grid = last.grid;
  } else if (last.grid) {
    throw Error("graph",
                "the network's result is quantized, but is read within the network as it "
                "was before; quantize it for both");
  }
  return graph;
}

}  // namespace espalier::compress
