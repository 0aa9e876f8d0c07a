#include "espalier/experiment/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace espalier::experiment {
namespace {

using compress::Compressor;
using compress::ScheduleEnd;
using nn::ScheduleEvent;
using nn::TimeUnit;

/// `start` for `start_epoch` and `start_step`, with the unit; nothing for other keys.
struct TimeKey {
  std::string name;
  TimeUnit unit;
};
std::optional<TimeKey> time_key(const std::string& key) {
  for (const TimeUnit unit : {TimeUnit::epoch, TimeUnit::step}) {
    const std::string suffix = std::string("_") + nn::name_of(unit);
    if (!key.ends_with(suffix)) continue;
    std::string name = key.substr(0, key.size() - suffix.size());
    std::replace(name.begin(), name.end(), '_', ' ');
    return TimeKey{name, unit};
  }
  return std::nullopt;
}

void add_rule(const Compressor& compressor, int rule, const compress::Value& options, bool has_end,
              int64_t steps_per_epoch, std::vector<CompressorEvent>& events) {
  if (!options.is_map()) return;
  for (const compress::Member& option : options.as_map()) {
    const std::optional<TimeKey> key = time_key(option.key);
    if (!key || !option.value.is_integer()) continue;
    if (has_end && key->name == "end") continue;  // what its schedule reaches says more
    events.push_back({nn::step_of(option.value.as_integer(), key->unit, steps_per_epoch),
                      key->name == "end" || key->name.starts_with("freeze"),
                      compressor.rule_name(rule) + ": " + key->name});
  }
}

}  // namespace

std::vector<CompressorEvent> compressor_events(const Compressor& compressor, int64_t epochs,
                                               int64_t steps_per_epoch) {
  std::vector<CompressorEvent> events;
  const std::vector<ScheduleEnd> ends = compressor.schedule_ends(epochs, steps_per_epoch);
  const compress::Value rules = compressor.rules_as_run();
  for (int rule = 0; rule < static_cast<int>(rules.as_list().size()); ++rule) {
    const auto& layers = compressor.layers();
    if (std::none_of(layers.begin(), layers.end(),
                     [&](const compress::LayerInfo& layer) { return layer.rule == rule; }))
      continue;
    const bool has_end = std::any_of(ends.begin(), ends.end(),
                                     [&](const ScheduleEnd& end) { return end.rule == rule; });
    add_rule(compressor, rule, rules.as_list()[static_cast<size_t>(rule)], has_end, steps_per_epoch,
             events);
  }
  for (const ScheduleEnd& end : ends) {
    events.push_back({end.step, true, compressor.rule_name(end.rule) + " reaches " + end.goal});
  }
  return events;
}

std::vector<TimelineEvent> timeline(const Experiment& experiment, int64_t steps_per_epoch) {
  const TrainConfig& config = experiment.config();
  const int64_t steps = config.epochs * steps_per_epoch;
  const std::unique_ptr<nn::Schedule> schedule = config.schedule.thing();
  std::vector<ScheduleEvent> events = {{0, "training begins"}};
  const auto add = [&](const std::vector<ScheduleEvent>& more) {
    events.insert(events.end(), more.begin(), more.end());
  };
  add(schedule->events(config.epochs, steps_per_epoch));
  if (config.teacher) add(config.teacher->options.events(steps_per_epoch));
  for (const auto& compressor : experiment.compressors()) {
    for (CompressorEvent& event : compressor_events(*compressor, config.epochs, steps_per_epoch))
      events.push_back({event.step, std::move(event.what)});
  }
  events.push_back({steps, "training ends"});
  std::stable_sort(events.begin(), events.end(),
                   [](const ScheduleEvent& a, const ScheduleEvent& b) { return a.step < b.step; });
  std::vector<TimelineEvent> all;
  for (const ScheduleEvent& event : events) {
    TimelineEvent timed{event.step, std::nullopt, event.what};
    if (event.step < steps) {
      timed.learning_rate = config.optimizer.options.find("lr")->as_number() *
                            schedule->factor({event.step, steps_per_epoch, config.epochs});
    }
    all.push_back(timed);
  }
  return all;
}

}  // namespace espalier::experiment
