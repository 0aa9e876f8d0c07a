#pragma once

#include <optional>
#include <string>

#include "config/train_config.h"
#include "espalier/nn/layers/sequential.h"
#include "run/epoch_metrics.h"

namespace espalier::app {

/// A run as its folder tells it.
struct RecordedRun {
  TrainConfig config;
  nn::Sequential model;              ///< with the run's weights, if it has come so far
  std::optional<EpochMetrics> last;  ///< of the last finished epoch
};

/// \throws ConfigError or Error when the folder holds no run or something else than it should
RecordedRun read_run(const std::string& folder);

}  // namespace espalier::app
