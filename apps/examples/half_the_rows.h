#pragma once

#include <espalier/espalier.h>

#include <algorithm>
#include <vector>

/// Masks the half of each layer's rows (filters, outputs) whose weights have the smallest squares.
class HalfTheRows : public espalier::compress::Pruner {
 public:
  using Pruner::Pruner;
  espalier::Tensor calc_mask(const espalier::compress::LayerInfo& layer,
                             const espalier::Tensor& weight) override {
    const int64_t rows = layer.shape[0], columns = weight.size() / rows;
    std::vector<double> squares(static_cast<size_t>(rows));
    for (int64_t i = 0; i < weight.size(); ++i)
      squares[static_cast<size_t>(i / columns)] += double{weight[i]} * double{weight[i]};
    std::vector<double> sorted = squares;
    std::sort(sorted.begin(), sorted.end());
    const double middle = sorted[static_cast<size_t>(rows / 2)];
    return espalier::Tensor::generate(layer.shape, [&](int64_t i) {
      return squares[static_cast<size_t>(i / columns)] < middle ? 0.0f : 1.0f;
    });
  }
};
