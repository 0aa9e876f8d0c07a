#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/experiment/data_config.h"
#include "espalier/experiment/kernel_choices.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/optimizers.h"
#include "espalier/experiment/schedules.h"
#include "espalier/experiment/teacher_config.h"

namespace espalier::experiment {

/// A training configuration, read and checked.
struct TrainConfig {
  ModelConfig model;
  DataConfig data;
  int64_t batch = 64;
  int epochs = 1;
  uint64_t seed = 0;
  int threads = 1;
  Choice<MakeOptimizer> optimizer;
  Choice<MakeSchedule> schedule;
  double label_smoothing = 0;        ///< of the training loss
  double checkpoint_seconds = 30;    ///< between checkpoints within an epoch
  KernelChoices kernels;             ///< that run instead of those estimated to be fastest
  std::vector<std::string> plugins;  ///< shared libraries with further algorithms, absolute paths
  /// Absolute path of a run or a file whose weights the network begins with; empty: start values.
  std::string start_from;
  compress::Position start_from_position;
  std::optional<TeacherConfig> teacher;  ///< what the network learns from beside labels
  compress::Value compress;  ///< for `Registry::make_all`; null if nothing is compressed
  /// Every how many epochs dead channels are removed; empty: never.
  std::optional<int> shrink_every;

  /// \throws ConfigError for whatever is wrong; the compress section is left to the registry
  static TrainConfig from(const compress::Value& value);
  /// The configuration as it is run: defaults spelled out. `from` reads it back.
  compress::Value to_value() const;

  /// The same training without compression.
  TrainConfig dense() const;
  /// `test_accuracy`, or `validation_accuracy` when training pictures are held out for it.
  std::string accuracy_key() const { return accuracy_kind() + "_accuracy"; }
  /// `test accuracy` or `validation accuracy`.
  std::string accuracy_name() const { return accuracy_kind() + " accuracy"; }

 private:
  std::string accuracy_kind() const { return data.hold_out > 0 ? "validation" : "test"; }
};

/// Reads a configuration file. \throws ConfigError also when there is no such file
TrainConfig read_train_config(const std::string& path);

/// Opens the data of a configuration. \throws as `open_data`, and ConfigError when the pictures are
/// not of the shape that the model takes, or of more classes
TrainingData open_data(const TrainConfig& config);

}  // namespace espalier::experiment
