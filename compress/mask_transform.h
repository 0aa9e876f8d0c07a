#pragma once

#include <string>

#include "espalier/autograd/mask.h"
#include "espalier/nn/weight_transform.h"

namespace espalier::compress {

/// What becomes of the stored value of a masked weight. (The layer computes with 0 in any case.)
enum class MaskedWeights {
  zero,    ///< zeroed with its optimizer state when the mask changes; no gradient after that
  freeze,  ///< kept as it is: no gradient, decay or momentum reaches it
  train,   ///< kept and trained with the dense gradient: it may come back
};

/// The mask stage of a weight: effective = mask ⊙ weight.
class MaskTransform : public nn::WeightTransform {
 public:
  MaskTransform(const Shape& shape, MaskedWeights policy, std::string pruner);

  Stage stage() const override { return Stage::mask; }
  std::string_view name() const override { return pruner_; }
  Tensor apply(const Tensor& weight) const override;
  Mask trainable() const override;
  void keep(int axis, std::span<const int64_t> indices) override;

  const Mask& mask() const { return mask_; }
  /// \throws Error when the shape is not that of the weight
  void set_mask(const Mask& mask);
  MaskedWeights policy() const { return policy_; }

 private:
  Mask mask_;
  MaskedWeights policy_;
  std::string pruner_;
};

}  // namespace espalier::compress
