#pragma once

#include <espalier/espalier.h>

#include <algorithm>
#include <cmath>

using namespace espalier;

/// −s, 0 or s: 0 where |w| ≤ 0.7·mean|w|, s the mean of the other magnitudes (Li et al., *Ternary
/// Weight Networks*, arXiv 1605.04711, section 2.2). The gradient passes straight through.
class TernaryQuantizer : public compress::Quantizer {
 public:
  using Quantizer::Quantizer;
  Tensor quantize_weight(const compress::LayerInfo&, const Tensor& weight) override {
    double all = 0, large = 0, count = 0;
    for (const float w : weight.values()) all += std::abs(double{w});
    const double limit = 0.7 * all / double(weight.size());
    for (const float w : weight.values())
      if (std::abs(double{w}) > limit) large += std::abs(double{w}), ++count;
    const float s = float(large / std::max(count, 1.0));
    return Tensor::generate(weight.shape(), [&](int64_t i) {
      return std::abs(double{weight[i]}) > limit ? std::copysign(s, weight[i]) : 0.0f;
    });
  }
};
