#include "espalier/compress/pruners/agp_pruner.h"

#include <fmt/format.h>

namespace espalier::compress {

double AGPruner::CubicSchedule::sparsity_at(int64_t t) const {
  const int64_t done = times().until(t);
  if (done == 0) return 0.0;
  if (done == updates()) return final_sparsity;  // also where n is 0: one update prunes at once
  const double left = 1.0 - static_cast<double>(done - 1) / static_cast<double>(updates() - 1);
  return final_sparsity + (initial_sparsity - final_sparsity) * left * left * left;
}

Tensor AGPruner::scheduled_mask(const LayerInfo& layer, const Tensor& weight) {
  const CubicSchedule& schedule = schedules_[static_cast<size_t>(layer.rule)];
  return magnitude_mask(layer, weight, schedule.sparsity_at(time(layer)));
}

std::optional<double> AGPruner::target_sparsity(const LayerInfo& layer) const {
  const CubicSchedule& schedule = schedules_[static_cast<size_t>(layer.rule)];
  const int64_t done = updates_done(layer);
  return done == 0 ? 0.0 : schedule.sparsity_at(schedule.start + (done - 1) * schedule.frequency);
}

std::string AGPruner::reached(int rule, int64_t time) const {
  return fmt::format("sparsity is {:.3g}", schedules_[static_cast<size_t>(rule)].sparsity_at(time));
}

void AGPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  const Ranking& ranking = read_ranking(rule, options);
  ranking.refuse_beside_pattern(options,
                                {"initial_sparsity", "end_epoch", "end_step", "frequency"});
  double first = 0;
  if (!ranking.is_pattern()) {
    first =
        options.number("initial_sparsity",
                       {.min = 0, .below = 1, .fallback = 0, .help = "the sparsity at the start"});
  }
  const double last =
      ranking.read_sparsity(options, "final_sparsity", "the sparsity from the last update on");
  const UpdateTimes& times =
      read_times(rule, options, ranking.is_pattern() ? End::at_start : End::required);
  options.check(last >= first, {"final_sparsity", "initial_sparsity"},
                "must not be below initial_sparsity");
  schedules_.resize(static_cast<size_t>(rule) + 1);
  schedules_.back() = {first, last, times.start, times.end, times.frequency};
}

}  // namespace espalier::compress
