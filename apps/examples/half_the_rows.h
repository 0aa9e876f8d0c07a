#pragma once

#include <espalier/espalier.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace espalier;

/// Masks the half of each layer's rows (filters, outputs) whose weights have the smallest squares.
class HalfTheRows : public compress::Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const compress::LayerInfo& layer, const Tensor& weight) override {
    const size_t rows = size_t(layer.shape[0]), columns = size_t(weight.size()) / rows;
    std::vector<double> squares(rows);
    for (size_t i = 0; i < rows * columns; ++i)
      squares[i / columns] += std::pow(double{weight[int64_t(i)]}, 2);
    std::vector<double> sorted = squares;
    std::sort(sorted.begin(), sorted.end());
    return Tensor::generate(layer.shape, [&](int64_t i) {
      return squares[size_t(i) / columns] < sorted[rows / 2] ? 0.0f : 1.0f;
    });
  }
};
