// Pruning by hand: a mask of zeros and ones stands between a layer and the weight it has stored.
#include <algorithm>

#include "training.h"

/// w ⊙ mask. As this is a recorded operation, the gradient of a masked weight is 0 by itself.
class KeepSome : public nn::WeightTransform {
 public:
  explicit KeepSome(Tensor mask) : mask_(std::move(mask)) {}
  Stage stage() const override { return Stage::mask; }
  std::string_view name() const override { return "KeepSome"; }
  Tensor apply(const Tensor& weight) const override { return multiply(weight, mask_); }

 private:
  Tensor mask_;
};

/// 1 for the weights of largest magnitude, 0 for so great a part of the others.
Tensor keep_largest(const Tensor& weight, double sparsity) {
  std::vector<float> magnitudes(weight.values().begin(), weight.values().end());
  for (float& value : magnitudes) value = std::abs(value);
  const auto limit = magnitudes.begin() + static_cast<int64_t>(sparsity * double(weight.size()));
  std::nth_element(magnitudes.begin(), limit, magnitudes.end());
  return Tensor::generate(weight.shape(),
                          [&](int64_t i) { return std::abs(weight[i]) >= *limit ? 1.0f : 0.0f; });
}

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();
  train(net, data, 2);
  require_accuracy(net, data, "dense");

  // 90 % of the first layer are masked at once; two more epochs make up for it.
  nn::Parameter& weight = weight_of(net, "fc1");
  weight.attach(std::make_shared<KeepSome>(keep_largest(weight.effective_value(), 0.9)));
  train(net, data, 2);
  require_accuracy(net, data, "masked and trained on");

  const Tensor value = weight.effective_value();
  const auto zeros = std::count(value.values().begin(), value.values().end(), 0.0f);
  std::printf("%d of %d weights are zero\n", static_cast<int>(zeros),
              static_cast<int>(value.size()));
  check(zeros == value.size() * 9 / 10, "not exactly 90 % of the weights are zero");
}
