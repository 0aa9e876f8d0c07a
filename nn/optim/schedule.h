#pragma once

#include <cstdint>
#include <functional>

namespace espalier::nn {

/// Where training stands.
struct TrainingPosition {
  int64_t step;  ///< optimizer steps done, over all epochs
  int64_t steps_per_epoch;
  int64_t epochs;  ///< of the whole training
  /// Done part of the training, 0 … 1.
  double progress() const {
    return static_cast<double>(step) / static_cast<double>(steps_per_epoch * epochs);
  }
  int64_t epoch() const { return step / steps_per_epoch; }
};

/// The factor by which the optimizer's learning rate is multiplied for the step at a position.
using Schedule = std::function<double(const TrainingPosition&)>;

/// Always 1.
Schedule constant();

/// gamma^⌊epoch/every⌋. \throws Error unless every ≥ 1 and gamma > 0
Schedule step_decay(int64_t every, double gamma = 0.1);

/// ½(1 + cos(π·progress)): from 1 to 0 (Loshchilov & Hutter, arXiv 1608.03983, eq. 5, one period).
Schedule cosine();

/// From 1/25 straight up to 1 over the first part `warmup` of training, then straight down to 0
/// (after Smith & Topin, arXiv 1708.07120, with a single way down). \throws Error unless 0 ≤ warmup
/// < 1
Schedule one_cycle(double warmup = 0.3);

}  // namespace espalier::nn
