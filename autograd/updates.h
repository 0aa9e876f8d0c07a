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
  double weight_decay = 0;     ///< added to the gradient as decay·w
  double decoupled_decay = 0;  ///< takes rate·decay·w away from w before anything else
};
/// Kingma & Ba, arXiv 1412.6980, algorithm 1; with decoupled decay AdamW, Loshchilov & Hutter,
/// arXiv 1711.05101, algorithm 2. `step` counts from 1.
void adam_update(const AdamSettings& settings, int64_t step, const Tensor& gradient, float* m,
                 float* v, float* w);

struct RmspropSettings {
  double learning_rate = 0;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
  double weight_decay = 0;
};
/// Tieleman & Hinton, *Neural Networks for Machine Learning*, lecture 6.5 (2012):
/// d = g + decay·w; s = α·s + (1 − α)·d²; u = d/(√s + ε); w −= rate·u.
/// With a mean (centered: Graves, arXiv 1308.0850, eq. 38–42), m = α·m + (1 − α)·d and √(s − m²);
/// with a velocity, v = momentum·v + u and w −= rate·v. Either may be null.
void rmsprop_update(const RmspropSettings& settings, const Tensor& gradient, float* square,
                    float* mean, float* velocity, float* w);

}  // namespace espalier
