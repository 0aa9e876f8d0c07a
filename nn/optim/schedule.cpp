#include "espalier/nn/optim/schedule.h"

#include <cmath>
#include <numbers>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

Schedule constant() {
  return [](const TrainingPosition&) { return 1.0; };
}

Schedule step_decay(int64_t every, double gamma) {
  if (every < 1 || !(gamma > 0))
    throw Error("step", "every must be at least 1 epoch and gamma above 0");
  return [=](const TrainingPosition& at) {
    return std::pow(gamma, static_cast<double>(at.epoch() / every));
  };
}

Schedule cosine() {
  return [](const TrainingPosition& at) {
    return 0.5 * (1.0 + std::cos(std::numbers::pi * at.progress()));
  };
}

Schedule one_cycle(double warmup) {
  if (!(warmup >= 0 && warmup < 1)) throw Error("one_cycle", "warmup must be in [0, 1)");
  return [=](const TrainingPosition& at) {
    constexpr double start = 1.0 / 25.0;
    const double progress = at.progress();
    if (progress < warmup) return start + (1.0 - start) * progress / warmup;
    return (1.0 - progress) / (1.0 - warmup);
  };
}

}  // namespace espalier::nn
