#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/compress/mask_transform.h"

namespace espalier::compress {

/// The base of pruners. A pruner of your own says which weights of a layer stay:
///
///     class TopRows : public compress::Pruner {
///      public:
///       using Pruner::Pruner;
///       Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override { … }
///     };
///     TopRows pruner;
///     pruner(net);
///
/// Without rules it works on all Conv2d and Linear weights. Option of every rule, beside those that
/// choose layers: `masked_weights: zero | freeze | train` (see `MaskedWeights`).
class Pruner : public Compressor {
 public:
  explicit Pruner(Rules rules = {}) : Compressor(std::move(rules)) {}

  /// Which weights stay: a tensor of `weight`'s shape, 1 for those and 0 for the rest. `weight` is
  /// the stored value. Called when attaching, and before the next training forward after
  /// `request_refresh`; unless a pruner says otherwise, each `update_epoch` requests it.
  virtual Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) = 0;

  std::string_view verb() const override { return "prune"; }
  void update_epoch(int epoch) override;
  /// Restoring puts the masks back as they were and zeroes nothing: stored weights and optimizer
  /// state are restored by those who keep them.
  void visit_state(nn::StateVisitor& state) override;

  /// The mask that acts on a layer of `layers()`.
  const Mask& mask(const LayerInfo& layer) const {
    return masks_[static_cast<size_t>(layer.index)]->mask();
  }

 protected:
  void read_rule(int rule, MapReader& options) override;
  /// What `masked_weights` is when a rule does not say.
  virtual MaskedWeights default_policy() const { return MaskedWeights::zero; }

 private:
  void attach_layer(const LayerInfo& layer) override;
  void refresh_layer(const LayerInfo& layer) override;

  std::vector<MaskedWeights> policies_;                // by rule
  std::vector<std::shared_ptr<MaskTransform>> masks_;  // by layer
};

/// 1 for all but the `count` entries of smallest magnitude; of equal magnitudes the one that comes
/// first in memory is masked first.
Tensor mask_smallest(const Tensor& weight, int64_t count);

/// round(sparsity·n), the number of weights to mask out of n.
int64_t masked_count(double sparsity, int64_t n);

}  // namespace espalier::compress
