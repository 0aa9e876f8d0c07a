#pragma once

#include <espalier/espalier.h>

#include <cmath>

/// −s, 0 or s: 0 where |w| ≤ 0.7·mean|w|, s the mean of the other magnitudes (Li et al., *Ternary
/// Weight Networks*, arXiv 1605.04711, section 2.2). The gradient passes straight through.
class TernaryQuantizer : public espalier::compress::Quantizer {
 public:
  using Quantizer::Quantizer;
  espalier::Tensor quantize_weight(const espalier::compress::LayerInfo&,
                                   const espalier::Tensor& weight) override {
    double all = 0, large = 0, count = 0;
    for (const float w : weight.values()) all += std::abs(double{w});
    const double threshold = 0.7 * all / static_cast<double>(weight.size());
    for (const float w : weight.values()) {
      if (std::abs(double{w}) > threshold) large += std::abs(double{w}), ++count;
    }
    const float s = count > 0 ? static_cast<float>(large / count) : 0.0f;
    return espalier::Tensor::generate(weight.shape(), [&](int64_t i) {
      return std::abs(double{weight[i]}) > threshold ? std::copysign(s, weight[i]) : 0.0f;
    });
  }
};
