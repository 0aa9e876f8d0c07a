#include "espalier/report/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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

/// Layers that have lost as many channels of as many at the same time.
struct RemovedAlike {
  int64_t removed, before;
  std::string layers;  ///< `block1.conv1, block2.conv1`
};

/// `8 of 16 channels removed from block1.conv1, block2.conv1; 8 of 32 from block4.conv1`.
std::string removal_text(const std::vector<RemovedAlike>& groups) {
  std::string text;
  for (const RemovedAlike& group : groups) {
    text += fmt::format("{}{} of {}{} from {}", text.empty() ? "" : "; ", group.removed,
                        group.before, text.empty() ? " channels removed" : "", group.layers);
  }
  return text;
}

/// Channels that were removed: what is gone of the first axis of weights. One event for each epoch.
void add_removals(const std::string& folder, std::vector<Event>& events) {
  const auto records = experiment::recorded_file(folder, experiment::run_file::mask_history);
  if (!records) return;
  try {
    std::map<int, std::vector<RemovedAlike>> by_epoch;
    for (const auto& layer : experiment::weight_histories(experiment::read_records(*records))) {
      for (const auto& removal : layer.removals) {
        if (removal.axis != 0) continue;
        const int64_t removed = removal.before - removal.after;
        std::vector<RemovedAlike>& groups = by_epoch[removal.epoch];
        const auto alike = std::find_if(groups.begin(), groups.end(), [&](const RemovedAlike& g) {
          return g.removed == removed && g.before == removal.before;
        });
        if (alike == groups.end()) {
          groups.push_back({removed, removal.before, layer.layer});
        } else {
          alike->layers += ", " + layer.layer;
        }
      }
    }
    for (const auto& [epoch, groups] : by_epoch)
      events.push_back({static_cast<double>(epoch + 1), "remove", removal_text(groups)});
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
