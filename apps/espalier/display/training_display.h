#pragma once

#include <string>

#include "display/epoch_table.h"
#include "display/progress_line.h"
#include "espalier/experiment/observer.h"

namespace espalier::app {

/// Shows a training: the line that moves, and a row for each epoch.
class TrainingDisplay : public experiment::Observer {
 public:
  /// \param accuracy  what the accuracy is called: `test accuracy`
  TrainingDisplay(ProgressLine& progress, int epochs, const std::string& accuracy)
      : progress_(progress), table_(epochs, accuracy) {}

  void on_step_end(const nn::StepReport& report) override { progress_.show(report); }
  void on_epoch_recorded(const experiment::EpochMetrics& metrics) override {
    progress_.finish_epoch();
    table_.add(metrics);
  }

 private:
  ProgressLine& progress_;
  EpochTable table_;
};

}  // namespace espalier::app
