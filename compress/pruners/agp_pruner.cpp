#include "espalier/compress/pruners/agp_pruner.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/engine.h"

namespace espalier::compress {

int64_t AGPruner::CubicSchedule::updates_until(int64_t t) const {
  if (t < start) return 0;
  return std::min(updates(), 1 + (t - start) / frequency);
}

double AGPruner::CubicSchedule::sparsity_at(int64_t t) const {
  const int64_t done = updates_until(t);
  if (done == 0) return 0.0;
  if (done == updates()) return final_sparsity;  // also where n is 0: one update prunes at once
  const double left = 1.0 - static_cast<double>(done - 1) / static_cast<double>(updates() - 1);
  return final_sparsity + (initial_sparsity - final_sparsity) * left * left * left;
}

Tensor AGPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  const CubicSchedule& schedule = options_of(layer).schedule;
  done_.resize(layers().size(), 0);
  done_[static_cast<size_t>(layer.index)] = schedule.updates_until(time_of(layer));
  return mask_smallest(weight, masked_count(schedule.sparsity_at(time_of(layer)), weight.size()));
}

void AGPruner::update_epoch(int epoch) {
  Compressor::update_epoch(epoch);
  epoch_announced_ = true;
  if (attached()) request_due(true);
}

void AGPruner::on_update() {
  request_due(false);
  // Long enough that a loop which announces epochs at their end is not told off for it.
  constexpr int64_t patience = 1000;
  const bool waits = std::any_of(layers().begin(), layers().end(), [&](const LayerInfo& layer) {
    return options_of(layer).by_epoch;
  });
  if (waits && !epoch_announced_ && updates() == patience) {
    Engine::current().warn(
        "[AGPruner] 1000 updates and no epoch has been announced, so the schedule stands still; "
        "call update_epoch(epoch) when an epoch begins, or use 'unit: step'");
  }
}

void AGPruner::request_due(bool by_epoch) {
  for (const LayerInfo& layer : layers()) {
    if (options_of(layer).by_epoch != by_epoch) continue;
    const int64_t due = options_of(layer).schedule.updates_until(time_of(layer));
    if (due != done_[static_cast<size_t>(layer.index)]) request_refresh(layer);
  }
}

void AGPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  options_.resize(static_cast<size_t>(rule) + 1);
  auto& [by_epoch, schedule] = options_.back();
  by_epoch = options.choice("unit", {"epoch", "step"}, "epoch") == "epoch";
  const char* start = by_epoch ? "start_epoch" : "start_step";
  const char* end = by_epoch ? "end_epoch" : "end_step";
  schedule.initial_sparsity =
      options.number("initial_sparsity", {.min = 0, .below = 1, .fallback = 0});
  schedule.final_sparsity = options.number("final_sparsity", {.min = 0, .below = 1});
  schedule.start = options.integer(start, {.min = 0, .fallback = 0});
  schedule.end = options.integer(end, {.min = 0});
  schedule.frequency = options.integer("frequency", {.min = 1, .fallback = 1});
  options.check(schedule.final_sparsity >= schedule.initial_sparsity,
                {"final_sparsity", "initial_sparsity"}, "must not be below initial_sparsity");
  options.check(schedule.end > schedule.start, {end, start}, std::string("must be after ") + start);
}

void AGPruner::visit_state(nn::StateVisitor& state) {
  Pruner::visit_state(state);
  state("updates_done", done_);
  state("epoch_announced", epoch_announced_);
}

std::vector<ScheduleEnd> AGPruner::schedule_ends(int64_t epochs, int64_t steps_per_epoch) const {
  std::vector<ScheduleEnd> ends;
  for (int rule = 0; rule < static_cast<int>(options_.size()); ++rule) {
    if (!in_use(rule)) continue;
    const auto& [by_epoch, schedule] = options_[static_cast<size_t>(rule)];
    // Times count from 0, and the last training forward is at the last of them.
    const int64_t times = by_epoch ? epochs : epochs * steps_per_epoch;
    const int64_t last = schedule.start + (schedule.updates() - 1) * schedule.frequency;
    const char* unit = by_epoch ? "epoch" : "step";
    const std::string end = std::string("end_") + unit + " to " + std::to_string(times);
    ends.push_back({.rule = rule,
                    .epochs = (by_epoch ? last : last / steps_per_epoch) + 1,
                    .goal = "its final sparsity",
                    .reached = fmt::format("sparsity is {:.3g}", schedule.sparsity_at(times - 1)),
                    .remedy = schedule.start < times
                                  ? "set " + end
                                  : fmt::format("set {} and start_{} below it", end, unit)});
  }
  return ends;
}

}  // namespace espalier::compress
