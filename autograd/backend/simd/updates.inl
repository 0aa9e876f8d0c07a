// The update rules of the optimizers as plain loops, which the compiler vectorises: weights,
// gradients and state are flat arrays and each is passed over once. The bound is memory. Included
// behind `kernels.inl`, whose rules hold here.

namespace espalier::backend::simd {
namespace {

void sgd(int64_t n, const SgdUpdate& u, const float* g, float* v, float* w) {
  if (!v) {
    for (int64_t i = 0; i < n; ++i) w[i] -= u.learning_rate * (g[i] + u.weight_decay * w[i]);
  } else if (u.nesterov) {
    for (int64_t i = 0; i < n; ++i) {
      const float d = g[i] + u.weight_decay * w[i];
      v[i] = u.momentum * v[i] + d;
      w[i] -= u.learning_rate * (d + u.momentum * v[i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      v[i] = u.momentum * v[i] + (g[i] + u.weight_decay * w[i]);
      w[i] -= u.learning_rate * v[i];
    }
  }
}

void adam(int64_t n, const AdamUpdate& u, const float* g, float* m, float* v, float* w) {
  for (int64_t i = 0; i < n; ++i) {
    const float kept = w[i] - u.shrink * w[i];
    const float d = g[i] + u.weight_decay * kept;
    m[i] = u.beta1 * m[i] + (1.0f - u.beta1) * d;
    v[i] = u.beta2 * v[i] + (1.0f - u.beta2) * d * d;
    const float mean = m[i] / u.correction1;
    const float deviation = __builtin_sqrtf(v[i] / u.correction2);
    w[i] = kept - u.learning_rate * mean / (deviation + u.epsilon);
  }
}

void rmsprop(int64_t n, const RmspropUpdate& u, const float* g, float* square, float* mean,
             float* velocity, float* w) {
  if (!mean && !velocity) {
    for (int64_t i = 0; i < n; ++i) {
      const float d = g[i] + u.weight_decay * w[i];
      square[i] = u.alpha * square[i] + (1.0f - u.alpha) * d * d;
      w[i] -= u.learning_rate * (d / (__builtin_sqrtf(square[i]) + u.epsilon));
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float d = g[i] + u.weight_decay * w[i];
    float spread = u.alpha * square[i] + (1.0f - u.alpha) * d * d;
    square[i] = spread;
    if (mean) {
      const float average = u.alpha * mean[i] + (1.0f - u.alpha) * d;
      mean[i] = average;
      spread -= average * average;
      spread = spread < 0.0f ? 0.0f : spread;  // rounding may have made it negative
    }
    float step = d / (__builtin_sqrtf(spread) + u.epsilon);
    if (velocity) {
      step += u.momentum * velocity[i];
      velocity[i] = step;
    }
    w[i] -= u.learning_rate * step;
  }
}

constexpr UpdateKernels update_table = {
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
};

}  // namespace
}  // namespace espalier::backend::simd
