#include "espalier/autograd/updates.h"

#include <cmath>

#include "espalier/autograd/backend/update_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier {
namespace {

constexpr int64_t grain = 16'384;

float narrow(double value) {
  return static_cast<float>(value);
}

}  // namespace

void sgd_update(const SgdSettings& settings, const Tensor& gradient, float* v, float* w) {
  const backend::SgdUpdate update{narrow(settings.learning_rate), narrow(settings.momentum),
                                  narrow(settings.weight_decay), settings.nesterov};
  const auto& kernel = backend::update_kernels();
  parallel_for(gradient.size(), grain, [&](int64_t begin, int64_t end) {
    kernel.sgd(end - begin, update, gradient.data() + begin, v ? v + begin : nullptr, w + begin);
  });
}

void adam_update(const AdamSettings& settings, int64_t step, const Tensor& gradient, float* m,
                 float* v, float* w) {
  const double t = static_cast<double>(step);
  const backend::AdamUpdate update{narrow(settings.learning_rate),
                                   narrow(settings.beta1),
                                   narrow(settings.beta2),
                                   narrow(settings.epsilon),
                                   narrow(settings.weight_decay),
                                   narrow(settings.learning_rate * settings.decoupled_decay),
                                   narrow(1 - std::pow(settings.beta1, t)),
                                   narrow(1 - std::pow(settings.beta2, t))};
  const auto& kernel = backend::update_kernels();
  parallel_for(gradient.size(), grain, [&](int64_t begin, int64_t end) {
    kernel.adam(end - begin, update, gradient.data() + begin, m + begin, v + begin, w + begin);
  });
}

void rmsprop_update(const RmspropSettings& settings, const Tensor& gradient, float* square,
                    float* mean, float* velocity, float* w) {
  const backend::RmspropUpdate update{narrow(settings.learning_rate), narrow(settings.alpha),
                                      narrow(settings.epsilon), narrow(settings.momentum),
                                      narrow(settings.weight_decay)};
  const auto& kernel = backend::update_kernels();
  parallel_for(gradient.size(), grain, [&](int64_t begin, int64_t end) {
    kernel.rmsprop(end - begin, update, gradient.data() + begin, square + begin,
                   mean ? mean + begin : nullptr, velocity ? velocity + begin : nullptr, w + begin);
  });
}

}  // namespace espalier
