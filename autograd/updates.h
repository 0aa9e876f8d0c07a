#pragma once

#include "espalier/autograd/tensor.h"

/// The update rules of the optimizers, each in one pass over memory.
namespace espalier {

struct SgdSettings {
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
};
/// d = g + decay·w; v = momentum·v + d; w −= rate·(nesterov ? d + momentum·v : v).
/// w, v as many values as the gradient has; v may be null when momentum is 0.
void sgd_update(const SgdSettings& settings, const Tensor& gradient, float* v, float* w);

struct AdamSettings {
  double learning_rate = 0;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< added to the gradient as decay·w
};
/// Kingma & Ba, arXiv 1412.6980, algorithm 1. `step` counts from 1.
void adam_update(const AdamSettings& settings, int64_t step, const Tensor& gradient, float* m,
                 float* v, float* w);

}  // namespace espalier
