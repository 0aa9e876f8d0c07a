#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::compress {

/// How many weights of a layer are not zero, counted from what the layer computes with: masked
/// weights are zeros, and so is what a grid rounds to zero. Biases are neither pruned nor counted.
struct LayerSparsity {
  std::string layer;
  int64_t weights = 0;
  int64_t nonzero = 0;

  double sparsity() const {
    const int64_t zeros = weights - nonzero;
    return weights == 0 ? 0.0 : static_cast<double>(zeros) / static_cast<double>(weights);
  }
};

/// One entry for each layer that could be compressed, in the order of the network.
std::vector<LayerSparsity> layer_sparsities(const nn::Module& model);

/// All of them added up, `layer` is `total`.
LayerSparsity total_sparsity(const std::vector<LayerSparsity>& layers);

}  // namespace espalier::compress
