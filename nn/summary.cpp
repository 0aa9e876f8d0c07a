#include "espalier/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "espalier/autograd/graph.h"

namespace espalier::nn {
namespace {

Shape without_batch(const Shape& shape) {
  return shape.axes() == 0 ? shape : Shape(std::span(shape.begin() + 1, shape.end()));
}

/// Multiply-adds of a traced operation: each output value of a weighted operation is a sum over all
/// axes of its weight but the first.
int64_t multiply_adds(const TracedOperation& operation) {
  if (operation.operation != "linear" && operation.operation != "conv2d") return 0;
  const Shape& weight = operation.input_shapes[1];
  return operation.output_shape.elements() * (weight.elements() / weight[0]);
}

/// `1234567` as `1,234,567`.
std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

/// Width in characters, for text with `×` in it.
size_t columns(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(std::max(width, columns(text)) - columns(text), ' ');
}

}  // namespace

ModelSummary summarise(Module& model, const Shape& sample) {
  std::vector<int64_t> batch_of_one{1};
  batch_of_one.insert(batch_of_one.end(), sample.begin(), sample.end());
  const bool was_training = model.training();
  model.eval();
  NoGrad no_grad;
  Trace trace(Tensor::zeros(Shape(std::span<const int64_t>(batch_of_one))));
  model(trace.input());
  model.train(was_training);

  ModelSummary summary;
  model.for_each_module([&](const std::string& path, Module& module) {
    LayerSummary layer{path, module.type(), {}, 0, 0, 0};
    bool computes = false;
    for (const TracedOperation& operation : trace.operations()) {
      // What a quantizer puts in front of or behind a layer is no work of the layer's.
      if (operation.layer != path || operation.operation == "fake_quantize") continue;
      computes = true;
      layer.output = without_batch(operation.output_shape);
      layer.multiply_adds += multiply_adds(operation);
    }
    for (const auto& parameter : module.record()->parameters) {
      const Tensor value = parameter->effective_value();
      layer.parameters += value.size();
      layer.nonzero +=
          value.size() - std::count(value.values().begin(), value.values().end(), 0.0f);
    }
    if (!computes) return;
    summary.parameters += layer.parameters;
    summary.nonzero += layer.nonzero;
    summary.multiply_adds += layer.multiply_adds;
    summary.layers.push_back(std::move(layer));
  });
  return summary;
}

std::string ModelSummary::to_string() const {
  size_t path_width = 5, type_width = 4, output_width = 6;
  for (const LayerSummary& layer : layers) {
    path_width = std::max(path_width, columns(layer.path));
    type_width = std::max(type_width, columns(layer.type));
    output_width = std::max(output_width, columns(layer.output.to_string()));
  }
  const auto row = [&](const std::string& path, const std::string& type, const std::string& output,
                       const std::string& count, const std::string& live, const std::string& work) {
    return fmt::format("{}  {}  {}  {:>12}  {:>12}  {:>14}\n", padded(path, path_width),
                       padded(type, type_width), padded(output, output_width), count, live, work);
  };
  std::string text = row("layer", "type", "output", "parameters", "non-zero", "multiply-adds");
  for (const LayerSummary& layer : layers) {
    text += row(layer.path, layer.type, layer.output.to_string(), grouped(layer.parameters),
                grouped(layer.nonzero), grouped(layer.multiply_adds));
  }
  return text + row("total", "", "", grouped(parameters), grouped(nonzero), grouped(multiply_adds));
}

}  // namespace espalier::nn
