// Quantization by hand: a layer computes with rounded weights, and the optimizer moves the others.
#include <algorithm>
#include <set>

#include "training.h"

/// w rounded to the nearest of 15 values, −7·s … 7·s with s = max|w|/7.
class FourBits : public nn::WeightTransform {
 public:
  Stage stage() const override { return Stage::quantize; }
  std::string_view name() const override { return "FourBits"; }
  Tensor apply(const Tensor& weight) const override {
    float largest = 0;
    for (const float w : weight.values()) largest = std::max(largest, std::abs(w));
    const float s = largest > 0 ? largest / 7 : 1;
    // Rounding is flat nearly everywhere: its gradient is 0, and nothing would ever be learned. So
    // we compute w + (rounded − w), where the bracket is made by hand and therefore a constant: the
    // value is that of rounding, the gradient that of w. This is the straight-through estimator
    // (Bengio, Léonard & Courville, arXiv 1308.3432).
    const auto gap = [&](int64_t i) { return s * std::nearbyint(weight[i] / s) - weight[i]; };
    return add(weight, Tensor::generate(weight.shape(), gap));
  }
};

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();
  nn::Parameter& weight = weight_of(net, "fc1");
  weight.attach(std::make_shared<FourBits>());
  weight.keep_effective_gradient();  // to look at below
  train(net, data, 3);
  require_accuracy(net, data, "trained with 4 bits");

  std::set<int> codes;
  const Tensor value = weight.effective_value();
  const float s = *std::max_element(value.values().begin(), value.values().end(),
                                    [](float a, float b) { return std::abs(a) < std::abs(b); }) /
                  7;
  for (const float w : value.values()) {
    const float code = w / s;
    check(std::abs(code - std::nearbyint(code)) < 1e-3f, "a weight lies between two steps");
    codes.insert(static_cast<int>(std::nearbyint(code)));
  }
  std::printf("%d different weights\n", static_cast<int>(codes.size()));
  check(codes.size() > 3 && codes.size() <= 15, "4 bits have at most 15 values around zero");

  float largest = 0;
  for (int64_t i = 0; i < value.size(); ++i) {
    largest = std::max(largest, std::abs(weight.gradient()[i]));
    check(weight.gradient()[i] == weight.effective_gradient()[i],
          "the gradient does not pass straight through");
  }
  check(largest > 0, "there is no gradient");
}
