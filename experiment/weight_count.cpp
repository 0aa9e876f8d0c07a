#include "espalier/experiment/weight_count.h"

#include <algorithm>

namespace espalier::experiment {

std::vector<WeightCount> count_weights(const nn::Module& model) {
  std::vector<WeightCount> layers;
  for (const nn::NamedParameter& named : model.parameters()) {
    if (named.parameter->role() != nn::Role::weight) continue;
    if (named.layer_type != "Conv2d" && named.layer_type != "Linear") continue;
    const Tensor weight = named.parameter->effective_value();
    const auto zeros = std::count(weight.values().begin(), weight.values().end(), 0.0f);
    layers.push_back({named.layer, weight.size(), weight.size() - zeros});
  }
  return layers;
}

WeightCount total(const std::vector<WeightCount>& layers) {
  WeightCount sum{"total", 0, 0};
  for (const WeightCount& layer : layers) {
    sum.weights += layer.weights;
    sum.nonzero += layer.nonzero;
  }
  return sum;
}

}  // namespace espalier::experiment
