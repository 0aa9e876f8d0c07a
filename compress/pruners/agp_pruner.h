#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/scheduled_pruner.h"

namespace espalier::compress {

/// Automated gradual pruning (Zhu & Gupta, *To prune, or not to prune*, arXiv 1710.01878): sparsity
/// follows a cubic that rises fast while weights are redundant and slowly towards the end. Equation
/// 1:
///
///     s(t) = s_f + (s_i − s_f)·(1 − (t − t₀)/(n·Δt))³,   t = t₀, t₀ + Δt, …, t₀ + n·Δt
///
/// t₀ is `start_epoch` (0), Δt `frequency` (1), s_i `initial_sparsity` (0), s_f `final_sparsity`.
/// Masks are updated at start, start + frequency, … below `end_epoch`, hence
/// n·Δt = ⌊(end − start − 1)/frequency⌋·frequency and the last of these updates reaches s_f
/// exactly; it is held from there on. Before the start the layer is dense. With `unit: step` the
/// clock is optimizer updates and the keys are `start_step` and `end_step`.
///
/// `granularity` and `scope` are those of `Ranking`: `scope: global` ranks |w|·fan_in^¼ over all
/// layers of the rule, so that s(t) is the sparsity of them together. A pattern N:M fixes the
/// sparsity; it is put on at the start, and no option of the curve may stand beside it.
///
/// Deviation from the paper: masked weights are zeroed (`masked_weights: zero`), so masks only
/// grow; the paper's freezing is `masked_weights: freeze`.
class AGPruner : public ScheduledPruner {
 public:
  /// Equation 1 for one layer.
  struct CubicSchedule {
    double initial_sparsity, final_sparsity;
    int64_t start, end, frequency;

    UpdateTimes times() const { return {.start = start, .end = end, .frequency = frequency}; }
    /// How many updates there are in all: 1 + n.
    int64_t updates() const { return times().count(); }
    /// The sparsity that holds at time t: that of the last update at or before it, 0 before the
    /// first.
    double sparsity_at(int64_t t) const;
  };

  AGPruner(Rules rules = {}) : ScheduledPruner(std::move(rules)) {}  // NOLINT: rules in braces

  std::optional<double> target_sparsity(const LayerInfo& layer) const override;

 private:
  void read_rule(int rule, MapReader& options) override;
  Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) override;
  std::string goal() const override { return "its final sparsity"; }
  std::string reached(int rule, int64_t time) const override;

  std::vector<CubicSchedule> schedules_;  // by rule
};

}  // namespace espalier::compress
