#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/pruner.h"

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
/// Deviation from the paper: masked weights are zeroed (`masked_weights: zero`), so masks only
/// grow; the paper's freezing is `masked_weights: freeze`.
class AGPruner : public Pruner {
 public:
  /// Equation 1 for one layer.
  struct CubicSchedule {
    double initial_sparsity, final_sparsity;
    int64_t start, end, frequency;

    /// How many updates there are in all: 1 + n.
    int64_t updates() const { return 1 + (end - start - 1) / frequency; }
    /// How many of them lie at or before time t: 0 before the start.
    int64_t updates_until(int64_t t) const;
    /// The sparsity that holds at time t: that of the last update at or before it, 0 before the
    /// first.
    double sparsity_at(int64_t t) const;
  };

  AGPruner(Rules rules = {}) : Pruner(std::move(rules)) {}  // NOLINT: rules in braces read well

  void update_epoch(int epoch) override;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;

 private:
  struct Options {
    bool by_epoch;
    CubicSchedule schedule;
  };
  void read_rule(int rule, MapReader& options) override;
  void on_update() override;
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }
  int64_t time_of(const LayerInfo& layer) const {
    return options_of(layer).by_epoch ? epoch() : updates();
  }
  /// Asks for a new mask for each layer on this clock for which an update has become due.
  void request_due(bool by_epoch);

  std::vector<Options> options_;  // by rule
  std::vector<int64_t> done_;     // by layer: updates_until() at its last mask
  bool epoch_announced_ = false;
};

}  // namespace espalier::compress
