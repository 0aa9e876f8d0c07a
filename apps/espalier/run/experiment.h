#pragma once

#include <memory>
#include <vector>

#include "config/train_config.h"
#include "display/progress_line.h"
#include "espalier/compress/registry.h"
#include "espalier/nn/layers/sequential.h"
#include "run/run_folder.h"

namespace espalier::app {

/// How a training ended.
struct Outcome {
  double accuracy = 0;
  std::vector<WeightCount> weights;
};

/// A network with the start values of its seed and with its compressors attached, ready to train.
class Experiment {
 public:
  /// \throws ConfigError when the compress section is wrong or does not fit the model
  explicit Experiment(const TrainConfig& config);

  /// Trains, shows how it goes, and leaves everything in the folder.
  Outcome run(const TrainingData& data, RunFolder& folder, ProgressLine& progress);

  const TrainConfig& config() const { return config_; }
  nn::Sequential& model() { return model_; }
  const std::vector<std::unique_ptr<compress::Compressor>>& compressors() const {
    return compressors_;
  }

 private:
  TrainConfig config_;
  nn::Sequential model_;
  std::vector<std::unique_ptr<compress::Compressor>> compressors_;
};

}  // namespace espalier::app
