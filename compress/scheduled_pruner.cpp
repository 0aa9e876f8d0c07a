#include "espalier/compress/scheduled_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/late_start.h"

namespace espalier::compress {

int64_t UpdateTimes::until(int64_t t) const {
  if (t < start) return 0;
  return std::min(count(), 1 + (t - start) / frequency);
}

Tensor ScheduledPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  done_.resize(layers().size());
  int64_t& done = done_[static_cast<size_t>(layer.index)];
  done = times(layer.rule).until(time(layer));
  return done == 0 ? Tensor::full(weight.shape(), 1) : scheduled_mask(layer, weight);
}

void ScheduledPruner::update_epoch(int epoch) {
  Compressor::update_epoch(epoch);
  if (attached()) request_due(true);
}

void ScheduledPruner::on_update() {
  request_due(false);
}

void ScheduledPruner::request_due(bool by_epoch) {
  for (const LayerInfo& layer : layers()) {
    if (clock(layer).by_epoch == by_epoch && is_due(layer)) request_refresh(layer);
  }
}

bool ScheduledPruner::is_due(const LayerInfo& layer) const {
  return times(layer.rule).until(time(layer)) != updates_done(layer);
}

const ScheduledPruner::Clock& ScheduledPruner::clock(int rule) const {
  if (static_cast<size_t>(rule) < clocks_.size()) return clocks_[static_cast<size_t>(rule)];
  throw Error(name(),
              rule_name(rule) +
                  " has no times: the pruner's read_rule must call read_times(rule, options)");
}

int64_t ScheduledPruner::time(const LayerInfo& layer) const {
  return clock(layer).by_epoch ? epoch() : updates();
}

bool ScheduledPruner::waits_for_epoch() const {
  return std::any_of(layers().begin(), layers().end(),
                     [&](const LayerInfo& layer) { return clock(layer).by_epoch; });
}

const UpdateTimes& ScheduledPruner::read_times(int rule, MapReader& options, End end,
                                               int64_t earliest) {
  clocks_.resize(static_cast<size_t>(rule) + 1);
  auto& [by_epoch, times, has_end] = clocks_.back();
  by_epoch = options.choice("unit", {"epoch", "step"}, "epoch",
                            "what times count: epochs, or optimizer updates") == "epoch";
  constexpr std::string_view interval = "how long it is from one update to the next";
  constexpr int64_t most = 1000000000;  // far more than anyone waits for
  const char* first = by_epoch ? "start_epoch" : "start_step";
  const char* last = by_epoch ? "end_epoch" : "end_step";
  for (const char* other :
       {by_epoch ? "start_step" : "start_epoch", by_epoch ? "end_step" : "end_epoch"}) {
    if (options.map().find(other))
      options.fail(other, std::string("is for 'unit: ") + (by_epoch ? "step" : "epoch") +
                              "'; say '" +
                              (std::string_view(other).starts_with("start") ? first : last) +
                              "', or change the unit");
  }
  times.start = options.integer(first, {.min = earliest,
                                        .max = most,
                                        .fallback = earliest,
                                        .help = "when the first mask is made; dense before"});
  times.end = times.start + 1;
  has_end = end != End::at_start && options.has(last);
  if (end == End::at_start) return times;
  if (end == End::open && !options.has(last)) {
    times.end = UpdateTimes::never;
  } else if (end == End::optional && !options.has(last)) {
    if (options.find("frequency", {.allowed = "an integer of at least 1", .help = interval}))
      options.fail("frequency", std::string("needs ") + last + ": without it there is one update");
    return times;
  } else {
    times.end = options.integer(
        last, {.min = 0, .max = most, .help = "masks are updated below it, and then stay"});
  }
  times.frequency = options.integer("frequency", {.min = 1, .fallback = 1, .help = interval});
  options.check(times.end > times.start, {last, first}, std::string("must be after ") + first);
  return times;
}

void ScheduledPruner::visit_state(nn::StateVisitor& state) {
  Pruner::visit_state(state);
  state("updates_done", done_);
}

std::string ScheduledPruner::reached(int rule, int64_t time) const {
  return fmt::format("{} of {} updates are made", times(rule).until(time), times(rule).count());
}

std::vector<ScheduleEnd> ScheduledPruner::schedule_ends(int64_t epochs,
                                                        int64_t steps_per_epoch) const {
  std::vector<ScheduleEnd> ends;
  for (int rule = 0; rule < static_cast<int>(clocks_.size()); ++rule) {
    const auto& [by_epoch, times, has_end] = clocks_[static_cast<size_t>(rule)];
    if (!in_use(rule)) continue;
    // Times count from 0, and the last training forward is at the last of them.
    const int64_t all = by_epoch ? epochs : epochs * steps_per_epoch;
    const char* unit = by_epoch ? "epoch" : "step";
    const LateStart start{times.start, by_epoch, std::string("start_") + unit, "its start",
                          "nothing is masked"};
    if (!has_end && is_late(start, epochs, steps_per_epoch)) {
      ends.push_back(end_of(start, rule, epochs, steps_per_epoch));
      continue;
    }
    if (times.end == UpdateTimes::never) continue;
    const std::string end = fmt::format("end_{} to {}", unit, all);
    ends.push_back({.rule = rule,
                    .epochs = (by_epoch ? times.last() : times.last() / steps_per_epoch) + 1,
                    .step = by_epoch ? times.last() * steps_per_epoch : times.last(),
                    .goal = goal(),
                    .reached = reached(rule, all - 1),
                    .remedy = times.start < all
                                  ? "set " + end
                                  : fmt::format("set {} and start_{} below it", end, unit)});
  }
  return ends;
}

}  // namespace espalier::compress
