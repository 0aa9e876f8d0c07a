#include "espalier/compress/sparsity.h"

#include <algorithm>

#include "espalier/compress/layer_rules.h"

namespace espalier::compress {

std::vector<LayerSparsity> layer_sparsities(const nn::Module& model) {
  std::vector<LayerSparsity> result;
  for (const LayerInfo& layer : compressible_layers(model)) {
    const Tensor weight = layer.parameter->effective_value();
    const auto zeros = std::count(weight.values().begin(), weight.values().end(), 0.0f);
    result.push_back({layer.name, weight.size(), weight.size() - zeros});
  }
  return result;
}

LayerSparsity total_sparsity(const std::vector<LayerSparsity>& layers) {
  LayerSparsity total{.layer = "total"};
  for (const LayerSparsity& layer : layers) {
    total.weights += layer.weights;
    total.nonzero += layer.nonzero;
  }
  return total;
}

}  // namespace espalier::compress
