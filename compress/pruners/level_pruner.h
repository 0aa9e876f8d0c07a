#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/pruner.h"

namespace espalier::compress {

/// Masks the given fraction of smallest-magnitude weights of each layer.
///
/// By default the mask follows the weights while they train: stored values keep getting the dense
/// gradient and the mask is computed anew every `frequency` updates, so that a weight masked by
/// mistake comes back (the mask rule of Lin et al., *Dynamic Model Pruning with Feedback*, ICLR
/// 2020, arXiv 2006.07253). One line before an unchanged training loop then gives a trained sparse
/// network.
///
/// Options of a rule: `sparsity` in [0, 1), required; `frequency`, optimizer updates between masks
/// (16), or `once`: one mask at the start, for a network that is trained already; `start_epoch`
/// (0): dense before. `granularity` and `scope` are those of `Ranking`: `scope: global` ranks
/// |w|·fan_in^¼ over all layers of the rule; a pattern N:M fixes the sparsity.
class LevelPruner : public Pruner {
 public:
  LevelPruner(Rules rules = {}) : Pruner(std::move(rules)) {}  // NOLINT: rules in braces read well

  void update_epoch(int epoch) override;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;
  std::optional<double> target_sparsity(const LayerInfo& layer) const override;

 private:
  struct Options {
    double sparsity;
    int64_t start_epoch;
    std::optional<int64_t> frequency;  // empty: once
  };
  void read_rule(int rule, MapReader& options) override;
  void on_update() override;
  bool waits_for_epoch() const override;
  MaskedWeights default_policy() const override { return MaskedWeights::train; }
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }

  std::vector<Options> options_;     // by rule
  std::vector<int64_t> last_masks_;  // by layer: at which update; -1, there has been none
};

}  // namespace espalier::compress
