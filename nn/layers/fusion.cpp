#include "espalier/nn/layers/fusion.h"

#include "espalier/autograd/graph.h"
#include "espalier/nn/layers/activation.h"

namespace espalier::nn {
namespace {

/// Whether nobody looks at what goes into this layer.
bool input_unobserved(const Module& layer) {
  const ModuleRecord& record = *layer.record();
  return !record.input_transform && record.listeners.empty();
}

}  // namespace

Tensor run_layers(std::span<const std::unique_ptr<Module>> layers, const Tensor& x,
                  Fusion& fusion) {
  Tensor value = x;
  for (size_t i = 0; i < layers.size(); ++i) {
    const Module* next = i + 1 < layers.size() ? layers[i + 1].get() : nullptr;
    if (!next) {
      value = layers[i]->call(value, fusion);
    } else {
      Fusion relu{.relu = dynamic_cast<const ReLU*>(next) != nullptr && input_unobserved(*next)};
      value = layers[i]->call(value, relu);
      if (relu.done) value = layers[++i]->finish(value);
    }
  }
  return value;
}

}  // namespace espalier::nn
