#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::experiment {

/// How many of a layer's weights are not zero, counted from what the layer computes with. Biases
/// are not counted.
struct WeightCount {
  std::string layer;
  int64_t weights = 0;
  int64_t nonzero = 0;

  double sparsity() const {
    const int64_t zeros = weights - nonzero;
    return weights == 0 ? 0.0 : static_cast<double>(zeros) / static_cast<double>(weights);
  }
};

/// One entry for each Conv2d and Linear layer, in the order of the network.
std::vector<WeightCount> count_weights(const nn::Module& model);

/// All of them added up, called `total`.
WeightCount total(const std::vector<WeightCount>& layers);

}  // namespace espalier::experiment
