#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::compress {

/// How many weights of a layer are masked. Biases are neither pruned nor counted.
struct LayerSparsity {
  std::string layer;
  int64_t weights = 0;
  int64_t masked = 0;
  double sparsity() const {
    return weights == 0 ? 0.0 : static_cast<double>(masked) / static_cast<double>(weights);
  }
};

/// One entry for each Conv2d and Linear layer, masked or not, in the order of the network.
std::vector<LayerSparsity> layer_sparsities(const nn::Module& model);

/// All of them added up, `layer` empty.
LayerSparsity total_sparsity(const std::vector<LayerSparsity>& layers);

}  // namespace espalier::compress
