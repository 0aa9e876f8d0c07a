#include "espalier/compress/sparsity.h"

#include "espalier/compress/layer_rules.h"
#include "espalier/compress/mask_transform.h"

namespace espalier::compress {

std::vector<LayerSparsity> layer_sparsities(const nn::Module& model) {
  std::vector<LayerSparsity> result;
  for (const LayerInfo& layer : compressible_layers(model)) {
    const auto* mask = dynamic_cast<const MaskTransform*>(
        layer.parameter->transform(nn::WeightTransform::Stage::mask));
    result.push_back({layer.name, layer.parameter->size(), mask ? mask->mask().masked() : 0});
  }
  return result;
}

LayerSparsity total_sparsity(const std::vector<LayerSparsity>& layers) {
  LayerSparsity total;
  for (const LayerSparsity& layer : layers) {
    total.weights += layer.weights;
    total.masked += layer.masked;
  }
  return total;
}

}  // namespace espalier::compress
