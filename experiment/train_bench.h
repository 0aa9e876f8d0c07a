#pragma once

#include <cstdint>

#include "espalier/autograd/core/profile.h"
#include "espalier/experiment/model_config.h"

namespace espalier::experiment {

/// Images per second, over windows of half a second.
struct Speeds {
  double median = 0, min = 0, max = 0;
  int64_t steps = 0, windows = 0;
  double seconds = 0;
};

/// Measures training steps on the current engine. A step is what the trainer does: zero gradients,
/// forward, cross entropy, its value read, backward, SGD with momentum 0.9 and weight decay 5e-4 at
/// rate 0.01. It goes round eight batches of normal random numbers.
struct TrainBench {
  ModelConfig model;
  int64_t batch = 64;
  int threads = 1;             ///< of the engine; for the caller, who makes that
  double seconds = 5;          ///< to measure for, after some steps that do not count
  Profile* profile = nullptr;  ///< listens to the steps that count

  Speeds run() const;
};

}  // namespace espalier::experiment
