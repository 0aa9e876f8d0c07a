#pragma once

#include <optional>
#include <string>

#include "espalier/experiment/epoch_metrics.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

/// A run as its folder tells it.
struct RecordedRun {
  TrainConfig config;
  nn::Sequential model;              ///< with the run's weights, if it has come so far
  std::optional<EpochMetrics> last;  ///< of the last finished epoch
};

/// \throws ConfigError or Error when the folder holds no run or something else than it should
RecordedRun read_run(const std::string& folder);

}  // namespace espalier::experiment
