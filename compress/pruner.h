#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/compress/mask_transform.h"
#include "espalier/compress/ranking.h"

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
/// choose layers: `masked_weights: zero | freeze | train` (see `MaskedWeights`). One that masks by
/// magnitude calls `read_ranking` and `magnitude_mask` and has `granularity` and `scope` with that
/// (see `Ranking`). Several pruners may share a layer: a weight stays if each of them keeps it.
class Pruner : public Compressor {
 public:
  explicit Pruner(Rules rules = {}) : Compressor(std::move(rules)) {}

  /// Which weights stay: a tensor of `weight`'s shape, 1 for those and 0 for the rest. `weight` is
  /// the stored value. Called when attaching, and before the next training forward after
  /// `request_refresh`; unless a pruner says otherwise, each `update_epoch` requests it.
  virtual Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) = 0;

  std::string_view verb() const override { return "prune"; }
  std::string rule_note(int rule) const override;
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

  /// What becomes of what the rule masks.
  MaskedWeights policy(int rule) const;

  /// Reads the options `granularity` and `scope` of a rule; from `read_rule`.
  const Ranking& read_ranking(int rule, MapReader& options);
  const Ranking& ranking(int rule) const;
  /// Masks the fraction `sparsity` of the layer's weights, those of smallest magnitude, or what the
  /// rule's `granularity` and `scope` make of that; for `calc_mask`. All is kept at sparsity 0; a
  /// pattern N:M is put on whole at any other.
  Tensor magnitude_mask(const LayerInfo& layer, const Tensor& weight, double sparsity);
  void before_refresh() override;
  void after_refresh() override;
  void on_attach_failed() override;
  /// A layer of which the rule's granularity can mask nothing.
  std::string reason_to_leave_out(const LayerInfo& layer, int place, int count) const override;

 private:
  void attach_layer(const LayerInfo& layer) override;
  void refresh_layer(const LayerInfo& layer) override;
  void apply_refresh(const LayerInfo& layer) override;

  std::vector<MaskedWeights> policies_;  // by rule
  std::vector<Ranking> rankings_;        // by rule
  // While layers are refreshed: the masks that a rule and sparsity come to, made once for all of
  // its layers.
  std::optional<std::map<std::pair<int, double>, std::vector<Tensor>>> together_;
  std::vector<std::shared_ptr<MaskTransform>> masks_;  // by layer
  std::map<int, Mask> found_;  // by layer: what a refresh has come to, until it is applied
};

}  // namespace espalier::compress
