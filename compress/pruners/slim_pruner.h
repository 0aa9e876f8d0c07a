#pragma once

#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/pruners/channel_pruner.h"

namespace espalier::compress {

/// Network slimming (Liu et al., arXiv 1708.06519): an ℓ1 penalty λ·Σ|γ| on the scales of batch
/// normalisation (equation 1) drives those of unimportant channels towards zero while the network
/// trains; the channels whose |γ| lies in the lowest `sparsity` of all layers of the rule together
/// go then (section 3). Options beside those of `ChannelPruner`: `lambda` (10⁻⁴, the paper's),
/// whose subgradient λ·sign(γ) is added to the gradient of γ until the last masks are made. There
/// is no `scope`: one percentile holds for all layers.
///
/// Give it some epochs before `start_epoch` for the penalty to act. Where an addition ties several
/// batch normalisations the score is the mean of their |γ|, so that it compares with others. Layers
/// without a batch normalisation in their group are left whole.
class SlimPruner : public ChannelPruner {
 public:
  SlimPruner(Rules rules = {}) : ChannelPruner(std::move(rules)) {}  // NOLINT: rules in braces
  /// Unused: channels are scored by γ.
  std::vector<double> score_filters(const std::string& layer, const Tensor& weight) override;
  std::vector<std::string> notes() const override;

 private:
  class Penalty;
  void read_rule(int rule, MapReader& options) override;
  std::vector<double> score_channels(const ChannelGroup& group) override;
  bool is_always_global() const override { return true; }
  std::string reason_to_leave_whole(const ChannelGroup& group) const override;
  void on_rules_chosen() override;

  std::vector<double> lambdas_;  // by rule
};

}  // namespace espalier::compress
