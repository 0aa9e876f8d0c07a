#pragma once

#include <memory>
#include <vector>

#include "espalier/compress/registry.h"
#include "espalier/compress/sparsity.h"
#include "espalier/experiment/observer.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

/// How a training ended.
struct Outcome {
  double accuracy = 0;
  std::vector<compress::LayerSparsity> weights;
};

/// A network with the start values of its seed and with its compressors attached, ready to train.
class Experiment {
 public:
  /// \throws ConfigError when the compress section is wrong or does not fit the model
  explicit Experiment(const TrainConfig& config);

  /// Trains, tells the observer how it goes, and leaves everything in the folder.
  Outcome run(const TrainingData& data, RunFolder& folder, Observer& observer);

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

}  // namespace espalier::experiment
