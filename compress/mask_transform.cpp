#include "espalier/compress/mask_transform.h"

#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/keep_indices.h"

namespace espalier::compress {

MaskTransform::MaskTransform(const Shape& shape, MaskedWeights policy, std::string pruner)
    : mask_(Mask::ones(shape)), policy_(policy), pruner_(std::move(pruner)) {}

Tensor MaskTransform::apply(const Tensor& weight) const {
  return masked_multiply(
      weight, mask_,
      policy_ == MaskedWeights::train ? MaskGradient::straight_through : MaskGradient::masked);
}

Mask MaskTransform::trainable() const {
  return policy_ == MaskedWeights::freeze ? mask_ : Mask();
}

void MaskTransform::keep(int axis, std::span<const int64_t> indices) {
  mask_ = nn::keep_indices(mask_, axis, indices);
}

void MaskTransform::set_mask(const Mask& mask) {
  if (mask.shape() != mask_.shape()) {
    throw Error(pruner_, "the mask's shape " + mask.shape().to_string() + " is not the weight's, " +
                             mask_.shape().to_string());
  }
  mask_ = mask;
}

}  // namespace espalier::compress
