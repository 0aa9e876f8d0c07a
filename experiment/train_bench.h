#pragma once

#include <cstdint>

#include "espalier/autograd/core/profile.h"
#include "espalier/compress/config/value.h"
#include "espalier/experiment/kernel_choices.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/speeds.h"

namespace espalier::experiment {

/// Two settings measured in turns.
struct Comparison {
  Speeds a, b;
  /// Speed of B in relation to A: the median over pairs of windows, and between which values half
  /// of the pairs lie.
  double ratio = 0, lower = 0, upper = 0;
  /// Part of the processor time that the machine gave to others meanwhile.
  double stolen = 0;
};

/// Measures training steps, on an engine of its own. A step is what the trainer does: zero
/// gradients, forward, cross entropy, its value read, backward, SGD with momentum 0.9 and weight
/// decay 5e-4 at rate 0.01. It goes round eight batches of normal random numbers.
struct TrainBench {
  ModelConfig model;
  int64_t batch = 64;
  int threads = 1;
  KernelChoices kernels;
  compress::Value compress;    ///< sections of compressors to attach; null: none. No epochs pass.
  double seconds = 5;          ///< to measure for, after some steps that do not count
  Profile* profile = nullptr;  ///< listens to the steps that count

  Speeds run() const;
};

/// Measures every kernel on the problems of a training step, and tells which one is fastest for
/// each.
KernelChoices tune(const TrainBench& bench);

/// Measures `a` and `b` in turns, each in so many windows of so many seconds.
Comparison compare(const TrainBench& a, const TrainBench& b, int windows = 25,
                   double window_seconds = 0.5);

}  // namespace espalier::experiment
