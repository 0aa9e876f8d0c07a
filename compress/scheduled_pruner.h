#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "espalier/compress/pruner.h"

namespace espalier::compress {

/// When masks are updated: at start, start + frequency, … below end.
struct UpdateTimes {
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  int64_t start = 0, end = never, frequency = 1;

  /// How many updates there are in all.
  int64_t count() const { return 1 + (end - start - 1) / frequency; }
  /// How many of them lie at or before time t: 0 before the start.
  int64_t until(int64_t t) const;
  /// The time of the last one.
  int64_t last() const { return start + (count() - 1) * frequency; }
};

/// The base of pruners that update their masks on a schedule. Before the start a layer is dense,
/// and after the last update its mask stays as it is.
///
/// Options of a rule, read by `read_times`: `start_epoch` (0), `end_epoch`, `frequency` (1); or,
/// with `unit: step`, `start_step` and `end_step`, counted in optimizer updates.
class ScheduledPruner : public Pruner {
 public:
  explicit ScheduledPruner(Rules rules = {}) : Pruner(std::move(rules)) {}

  void update_epoch(int epoch) override;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;

 protected:
  /// The mask at an update, in the form of `calc_mask`; `time(layer)` tells which.
  virtual Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) = 0;
  /// What the last update of a rule reaches, and where it stands at a time; see `ScheduleEnd`.
  virtual std::string goal() const { return "its last update"; }
  virtual std::string reached(int rule, int64_t time) const;

  enum class End {
    required,
    open,
    optional,  ///< without it: one update
    at_start,  ///< one update, and no keys for more
  };
  /// Reads the options above from `read_rule`.
  /// \param first  the earliest time, and what holds if a rule does not say
  const UpdateTimes& read_times(int rule, MapReader& options, End end = End::required,
                                int64_t first = 0);
  const UpdateTimes& times(int rule) const { return clock(rule).times; }
  /// Now, in the unit of the layer's rule.
  int64_t time(const LayerInfo& layer) const;
  /// How many updates lie behind the layer's mask.
  int64_t updates_done(const LayerInfo& layer) const {
    const auto index = static_cast<size_t>(layer.index);
    return index < done_.size() ? done_[index] : 0;
  }
  /// Whether an update has come since the last mask was made.
  bool is_due(const LayerInfo& layer) const;

  void on_update() override;
  bool waits_for_epoch() const override;

 private:
  struct Clock {
    bool by_epoch = true;
    UpdateTimes times;
    bool has_end = true;  // as an option
  };
  /// \throws Error when the subclass has read none for the rule
  const Clock& clock(int rule) const;
  const Clock& clock(const LayerInfo& layer) const { return clock(layer.rule); }
  void request_due(bool by_epoch);

  std::vector<Clock> clocks_;  // by rule
  std::vector<int64_t> done_;  // by layer: updates that lie behind its mask
};

}  // namespace espalier::compress
