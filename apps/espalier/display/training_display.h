#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "display/epoch_table.h"
#include "display/progress_line.h"
#include "espalier/experiment/observer.h"

namespace espalier::app {

/// Shows a run: where it goes on, the line that moves, and a row for each epoch.
class TrainingDisplay : public experiment::Observer {
 public:
  /// \param accuracy  what the accuracy is called: `test accuracy`
  /// \param resuming  the run is to go on
  TrainingDisplay(ProgressLine& progress, std::string accuracy, bool resuming)
      : progress_(progress), accuracy_(std::move(accuracy)), resuming_(resuming) {}

  void on_part(const std::string& name) override;
  void on_start(const experiment::TrainingStart& start) override;
  void on_step_end(const nn::StepReport& report) override { progress_.show(report); }
  void on_channels_removed(const std::vector<compress::RemovedChannels>& removed) override;
  void on_epoch_recorded(const experiment::EpochMetrics& metrics) override;
  void on_search_point(const compress::SensitivityProgress& progress) override;
  void on_thresholds_found(const experiment::ThresholdsFound& thresholds) override;

 private:
  ProgressLine& progress_;
  std::string accuracy_;
  bool resuming_;
  bool first_part_ = true;
  std::optional<EpochTable> table_;
  std::chrono::steady_clock::time_point search_start_;
};

}  // namespace espalier::app
