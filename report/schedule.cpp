#include "espalier/report/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/experiment/compressors.h"
#include "espalier/experiment/mask_history.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/timeline.h"

namespace espalier::report {

using experiment::EpochMetrics;

namespace {

/// Which rule it is says nothing where there is one.
std::string without_rule(std::string text, const compress::Compressor& compressor) {
  const std::string rule = compressor.name() + " rule 1";
  if (compressor.rules().size() == 1 && text.starts_with(rule))
    text.replace(0, rule.size(), compressor.name());
  return text;
}

/// Channels that were removed: what is gone of the first axis of weights.
void add_removals(const std::string& folder, std::vector<Event>& events) {
  const auto records = experiment::recorded_file(folder, experiment::run_file::mask_history);
  if (!records) return;
  try {
    for (const auto& layer : experiment::weight_histories(experiment::read_records(*records))) {
      for (const auto& removal : layer.removals) {
        if (removal.axis != 0) continue;
        events.push_back({static_cast<double>(removal.epoch + 1), "remove",
                          fmt::format("{}: {} of {} channels removed", layer.layer,
                                      removal.before - removal.after, removal.before)});
      }
    }
  } catch (const Error&) {
    // Who asks for the masks says it.
  }
}

}  // namespace

Schedule schedule_of(const std::string& folder, const experiment::RecordedRun& run,
                     const std::vector<EpochMetrics>& epochs, std::vector<std::string>& missing) {
  Schedule schedule;
  nn::Sequential model = run.config.model.make();
  const int64_t steps = epochs.empty() ? 0 : epochs.back().step;
  const int64_t steps_per_epoch =
      epochs.empty() ? 1 : std::max<int64_t>(1, steps / (epochs.back().epoch + 1));
  const auto compressors = experiment::make_compressors(run.config);
  for (const auto& compressor : compressors) {
    try {
      (*compressor)(model, run.config.model.sample);
    } catch (const Error& error) {
      missing.push_back(
          fmt::format("What {} did when is not shown: {}.", compressor->name(), error.what()));
      continue;
    }
    const bool prunes = compressor->verb() == "prune";
    if (prunes) {
      for (const compress::LayerInfo& layer : compressor->layers())
        schedule.pruned.push_back(layer.name);
    }
    for (const experiment::CompressorEvent& event :
         experiment::compressor_events(*compressor, run.config.epochs, steps_per_epoch)) {
      if (event.step >= steps) continue;  // it has not come to that
      const char* begins = prunes ? "mask" : "quantize";
      schedule.events.push_back(
          {static_cast<double>(event.step) / static_cast<double>(steps_per_epoch),
           event.ends ? "stop" : begins, without_rule(event.what, *compressor)});
    }
  }
  add_removals(folder, schedule.events);
  std::stable_sort(schedule.events.begin(), schedule.events.end(),
                   [](const Event& a, const Event& b) { return a.epoch < b.epoch; });
  return schedule;
}

}  // namespace espalier::report
