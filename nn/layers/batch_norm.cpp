#include "espalier/nn/layers/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/layers/fusion.h"

namespace espalier::nn {

BatchNorm2d::BatchNorm2d(const Options& o)
    : Module("BatchNorm2d"), epsilon_(o.epsilon), momentum_(o.momentum) {
  if (o.channels < 1 || !(o.epsilon > 0) || !(o.momentum >= 0 && o.momentum <= 1)) {
    throw Error("BatchNorm2d",
                "channels must be at least 1, epsilon above 0 and momentum between 0 and 1");
  }
  const Shape shape{o.channels};
  scale_ = &add_parameter("weight", Role::scale, shape, constant(1.0f));
  shift_ = &add_parameter("bias", Role::bias, shape, constant(0.0f));
  mean_ = &add_buffer("running_mean", Tensor::zeros(shape));
  variance_ = &add_buffer("running_var", Tensor::full(shape, 1.0f));
}

void BatchNorm2d::restart_buffers() {
  mean_->value = Tensor::zeros(mean_->value.shape());
  variance_->value = Tensor::full(variance_->value.shape(), 1.0f);
}

void BatchNorm2d::recalibrate(bool on) {
  recalibrates_ = on;
  batches_ = 0;
}

std::vector<float> BatchNorm2d::folding_factors() const {
  const Tensor scale = scale_->effective_value();
  std::vector<float> factors(static_cast<size_t>(scale.size()));
  for (int64_t c = 0; c < scale.size(); ++c) {
    factors[static_cast<size_t>(c)] =
        static_cast<float>(double{scale[c]} / std::sqrt(double{variance_->value[c]} + epsilon_));
  }
  return factors;
}

Tensor BatchNorm2d::forward(const Tensor& x) {
  Fusion nothing;
  return forward_fused(x, nothing);
}

Tensor BatchNorm2d::forward_fused(const Tensor& x, Fusion& fusion) {
  BatchNormOptions options{
      .training = training() && !frozen_, .momentum = momentum_, .epsilon = epsilon_};
  if (recalibrates_) {
    // The k-th batch moves a mean of k − 1 by 1/k.
    options.training = true;
    options.momentum = 1 / static_cast<double>(++batches_);
  }
  // A residual that does not fit is left to whoever asked, where the error belongs.
  if (!fusion.residual.defined() || fusion.residual.shape() == x.shape()) {
    options.residual = fusion.residual;
    options.relu = fusion.relu;
    fusion.done = true;
  }
  return batch_norm(x, effective(*scale_), effective(*shift_), mean_->value, variance_->value,
                    options);
}

}  // namespace espalier::nn
