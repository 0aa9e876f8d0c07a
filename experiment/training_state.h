#pragma once

#include <memory>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/experiment/teacher.h"
#include "espalier/nn/io/state.h"
#include "espalier/nn/train/trainer.h"

namespace espalier::experiment {

/// Everything that a training changes on its way.
struct TrainingState {
  nn::Module& model;
  Shape sample;  ///< of the model
  const std::vector<std::unique_ptr<compress::Compressor>>& compressors;
  nn::Trainer& trainer;
  int64_t samples, evaluation_samples;  ///< in the data
  const Teacher* teacher;               ///< null if nobody teaches

  /// For checkpoints, at the end of a step or of an epoch. Names begin with `training`.
  nn::State save();
  /// Channels that the training had lost by then are removed first.
  /// \throws Error when the state is of another training; everything is then half restored
  void restore(nn::State& state);

 private:
  void visit(nn::StateVisitor& state);
};

}  // namespace espalier::experiment
