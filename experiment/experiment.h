#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "espalier/compress/registry.h"
#include "espalier/compress/sparsity.h"
#include "espalier/experiment/observer.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/teacher.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

/// How a training ended.
struct Outcome {
  double accuracy = 0;
  std::vector<compress::LayerSparsity> weights;
  /// A sentence for each schedule that the training ended before.
  std::vector<std::string> unfinished_schedules = {};
  /// What algorithms tell of the layers at the end, "SensitivityPruner conv1: …".
  std::vector<std::string> findings = {};
};

/// Asked after each step; true ends the training, which can go on another time.
using ShouldStop = std::function<bool()>;

/// Whether a training begins, or goes on from a checkpoint, which holds all weights.
enum class Begin { anew, from_checkpoint };
Begin begin_of(const RunFolder& folder);

/// A network with the start values of its seed, or with the weights it is to start from, with its
/// compressors attached and its teacher loaded, ready to train.
class Experiment {
 public:
  /// \throws ConfigError when the compress section is wrong or does not fit the model, or when the
  /// weights to start from or the teacher are missing or do not fit it
  explicit Experiment(const TrainConfig& config, Begin begin = Begin::anew);

  /// Trains in the folder: from the beginning or, if that holds a checkpoint, from there on, ending
  /// in the same bytes as a training that never stopped (with the same program, instruction set and
  /// threads). Everything is left in the folder.
  /// \return nothing if `should_stop` ended it
  /// \throws Error; if a loss is no longer a number, it says what has been saved
  std::optional<Outcome> run(const TrainingData& data, RunFolder& folder, Observer& observer,
                             const ShouldStop& should_stop = {});

  /// As run: the options of all algorithms spelled out.
  const TrainConfig& config() const { return config_; }
  nn::Sequential& model() { return model_; }
  const std::vector<std::unique_ptr<compress::Compressor>>& compressors() const {
    return compressors_;
  }
  /// Null if nobody teaches.
  const Teacher* teacher() const { return teacher_ ? &*teacher_ : nullptr; }

 private:
  void search_thresholds_on(const ChoicePictures& pictures, SearchListener& listener);

  TrainConfig config_;
  nn::Sequential model_;
  std::vector<std::unique_ptr<compress::Compressor>> compressors_;
  std::optional<Teacher> teacher_;
};

/// How a run ended.
struct RunOutcome {
  Outcome compressed;            ///< of the training as configured
  std::optional<Outcome> dense;  ///< of the same without compression, if the run has that
};

/// Trains what is left to train of a run: without compression first, in a folder of its own, if the
/// run was started so, then as configured.
/// \return nothing if `should_stop` ended it \throws as `Experiment::run`
std::optional<RunOutcome> run(Experiment& experiment, const TrainingData& data, RunFolder& folder,
                              Observer& observer, const ShouldStop& should_stop = {});

}  // namespace espalier::experiment
