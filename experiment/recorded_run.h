#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/experiment/checkpoint.h"
#include "espalier/experiment/epoch_metrics.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

/// A run as its folder tells it.
struct RecordedRun {
  TrainConfig config;
  nn::Sequential model;  ///< with the run's weights, if there are any
  /// Attached for evaluation: what the run does to activations.
  std::vector<std::unique_ptr<compress::Compressor>> compressors;
  std::optional<EpochMetrics> last;  ///< of the last finished epoch
  bool has_weights = false;          ///< it has come so far that there are any
};

/// \throws ConfigError or Error when the folder holds no run or something else than it should
RecordedRun read_run(const std::string& folder);

/// Where the pictures of a run were, if its configuration does not say; empty if that is not known.
std::string recorded_data_dir(const std::string& folder);

/// What a run was made from that was not trained; empty if it was, or that is not known.
Origin recorded_origin(const std::string& folder);

}  // namespace espalier::experiment
