#include "espalier/compress/sensitivity/weight_trial.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier::compress {
namespace {

using Stage = nn::WeightTransform::Stage;

class Changed : public nn::WeightTransform {
 public:
  Changed(Stage stage, WeightTrial::Change change) : stage_(stage), change_(std::move(change)) {}

  Stage stage() const override { return stage_; }
  std::string_view name() const override { return "trial"; }
  Tensor apply(const Tensor& weight) const override {
    if (!changed_.defined()) changed_ = change_(weight);
    if (changed_.shape() != weight.shape()) {
      throw Error("trial", "the changed weight has the shape " + changed_.shape().to_string() +
                               ", not " + weight.shape().to_string());
    }
    if (stage_ != Stage::mask) return changed_;
    // A mask is applied once more behind a grid without a zero, and the value that comes then is
    // another: it takes away, and no more.
    return zero_where_masked(weight, changed_);
  }

 private:
  Stage stage_;
  WeightTrial::Change change_;
  mutable Tensor changed_;
};

}  // namespace

WeightTrial::WeightTrial(nn::Parameter& parameter, Stage stage, Change change)
    : parameter_(&parameter), transform_(std::make_shared<Changed>(stage, std::move(change))) {
  parameter.attach(transform_);
}

WeightTrial::~WeightTrial() {
  if (transform_) parameter_->detach(transform_.get());
}

WeightTrial WeightTrial::mask(nn::Parameter& parameter, Change change) {
  return {parameter, Stage::mask, std::move(change)};
}

WeightTrial WeightTrial::grid(nn::Parameter& parameter, Change change) {
  return {parameter, Stage::quantize, std::move(change)};
}

bool WeightTrial::can_have_grid(const nn::Parameter& parameter) {
  return parameter.transform(Stage::quantize) == nullptr;
}

Tensor masked_weight(nn::Parameter& parameter) {
  Tensor masked;
  const WeightTrial trial = WeightTrial::mask(parameter, [&](const Tensor& weight) {
    // A copy: without masks this is the stored value itself, which training changes.
    masked = Tensor::from(weight.shape(), weight.values());
    return masked;
  });
  parameter.effective_value();
  return masked;
}

Tensor zero_where_masked(const Tensor& weight, const Tensor& mask) {
  if (mask.shape() != weight.shape()) {
    throw Error("sensitivity", "a mask of shape " + mask.shape().to_string() +
                                   " is not for a weight of shape " + weight.shape().to_string());
  }
  return Tensor::generate(weight.shape(), [&](int64_t i) { return mask[i] == 0 ? 0 : weight[i]; });
}

double zeros_of(const Tensor& x) {
  if (x.size() == 0) return 0;
  const auto zeros = std::count(x.values().begin(), x.values().end(), 0.0f);
  return static_cast<double>(zeros) / static_cast<double>(x.size());
}

}  // namespace espalier::compress
