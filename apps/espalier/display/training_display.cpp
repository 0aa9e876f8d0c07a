#include "display/training_display.h"

#include <fmt/format.h>

#include <cstdio>

#include "display/sensitivity_table.h"

namespace espalier::app {

void TrainingDisplay::on_part(const std::string& name) {
  fmt::print("{}{}:\n", first_part_ ? "" : "\n", name);
  first_part_ = false;
}

void TrainingDisplay::on_start(const experiment::TrainingStart& start) {
  table_.emplace(start.epochs, accuracy_);
  progress_.start(start.epoch +
                  static_cast<double>(start.batch) / static_cast<double>(start.batches));
  if (start.epoch == start.epochs) {
    fmt::print("all {} epochs are done\n", start.epochs);
  } else if (start.resumed) {
    fmt::print("goes on in epoch {} of {} after {} of {} batches\n", start.epoch + 1, start.epochs,
               start.batch, start.batches);
  } else if (resuming_) {
    fmt::print("starts from the beginning: nothing was saved yet\n");
  }
  std::fflush(stdout);
}

void TrainingDisplay::on_search_point(const compress::SensitivityProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (progress.done == 1) search_start_ = now;
  progress_.show(
      sensitivity_progress(progress, std::chrono::duration<double>(now - search_start_).count()));
}

void TrainingDisplay::on_thresholds_found(const experiment::ThresholdsFound& thresholds) {
  progress_.clear();
  fmt::print("{}", describe_thresholds(thresholds));
  std::fflush(stdout);
}

void TrainingDisplay::on_channels_removed(const std::vector<compress::RemovedChannels>& removed) {
  progress_.clear();
  std::string groups;
  for (const compress::RemovedChannels& group : removed) {
    groups += fmt::format("{}{} {} → {}", groups.empty() ? "" : ", ", group.group, group.before,
                          group.after);
  }
  fmt::print("channels removed: {}\n", groups);
  std::fflush(stdout);
}

void TrainingDisplay::on_epoch_recorded(const experiment::EpochMetrics& metrics) {
  progress_.finish_epoch();
  table_->add(metrics);
}

}  // namespace espalier::app
