#pragma once

#include <algorithm>
#include <cmath>

#include "espalier/autograd/backend/update_table.h"

/// The update rules as their definitions, one element at a time, computed in double precision.
namespace espalier::backend::reference {

template <class T>
void sgd(int64_t n, const SgdUpdate& u, const T* g, T* v, T* w) {
  for (int64_t i = 0; i < n; ++i) {
    const double d = double{g[i]} + double{u.weight_decay} * double{w[i]};
    double velocity = d;
    if (v) {
      velocity = double{u.momentum} * double{v[i]} + d;
      v[i] = static_cast<T>(velocity);
    }
    const double step = u.nesterov && v ? d + double{u.momentum} * velocity : velocity;
    w[i] = static_cast<T>(double{w[i]} - double{u.learning_rate} * step);
  }
}

template <class T>
void adam(int64_t n, const AdamUpdate& u, const T* g, T* m, T* v, T* w) {
  for (int64_t i = 0; i < n; ++i) {
    const double kept = double{w[i]} - double{u.shrink} * double{w[i]};
    const double d = double{g[i]} + double{u.weight_decay} * kept;
    const double mean = double{u.beta1} * double{m[i]} + (1 - double{u.beta1}) * d;
    const double square = double{u.beta2} * double{v[i]} + (1 - double{u.beta2}) * d * d;
    m[i] = static_cast<T>(mean);
    v[i] = static_cast<T>(square);
    const double deviation = std::sqrt(square / double{u.correction2});
    w[i] = static_cast<T>(kept - double{u.learning_rate} * (mean / double{u.correction1}) /
                                     (deviation + double{u.epsilon}));
  }
}

template <class T>
void rmsprop(int64_t n, const RmspropUpdate& u, const T* g, T* square, T* mean, T* velocity, T* w) {
  const double alpha = double{u.alpha};
  for (int64_t i = 0; i < n; ++i) {
    const double d = double{g[i]} + double{u.weight_decay} * double{w[i]};
    double spread = alpha * double{square[i]} + (1 - alpha) * d * d;
    square[i] = static_cast<T>(spread);
    if (mean) {
      const double average = alpha * double{mean[i]} + (1 - alpha) * d;
      mean[i] = static_cast<T>(average);
      spread = std::max(spread - average * average, 0.0);  // rounding may have made it negative
    }
    double step = d / (std::sqrt(spread) + double{u.epsilon});
    if (velocity) {
      step += double{u.momentum} * double{velocity[i]};
      velocity[i] = static_cast<T>(step);
    }
    w[i] = static_cast<T>(double{w[i]} - double{u.learning_rate} * step);
  }
}

inline constexpr UpdateKernels update_kernels = {
    .sgd = sgd<float>,
    .adam = adam<float>,
    .rmsprop = rmsprop<float>,
};

}  // namespace espalier::backend::reference
