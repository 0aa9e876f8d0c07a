#pragma once

#include <cstdint>

// Included by files that are compiled for one instruction set only, see vector_table.h.

namespace espalier::backend {

/// Settings of one optimizer update, see `UpdateKernels`.
struct SgdUpdate {
  float learning_rate, momentum, weight_decay;
  bool nesterov;
};
struct AdamUpdate {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float shrink;                    ///< part of w that decoupled decay takes away: rate·decay
  float correction1, correction2;  ///< 1 − β₁ᵗ and 1 − β₂ᵗ
};
struct RmspropUpdate {
  float learning_rate, alpha, epsilon, momentum, weight_decay;
};

/// The rules of the optimizers, each in one pass over memory, on the calling thread.
struct UpdateKernels {
  /// d = g + decay·w; v = momentum·v + d; w −= rate·(nesterov ? d + momentum·v : v).
  /// v may be null when momentum is 0.
  void (*sgd)(int64_t n, const SgdUpdate&, const float* g, float* v, float* w);
  /// Kingma & Ba, arXiv 1412.6980, algorithm 1, with decay·w added to the gradient, after w has
  /// lost the part `shrink`.
  void (*adam)(int64_t n, const AdamUpdate&, const float* g, float* m, float* v, float* w);
  /// d = g + decay·w; s = α·s + (1 − α)·d²; with a mean, m = α·m + (1 − α)·d and s − m² in place of
  /// s below; u = d/(√s + ε); with a velocity, v = momentum·v + u in place of u; w −= rate·u.
  /// mean and velocity may be null.
  void (*rmsprop)(int64_t n, const RmspropUpdate&, const float* g, float* square, float* mean,
                  float* velocity, float* w);
};

}  // namespace espalier::backend
