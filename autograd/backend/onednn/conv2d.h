#pragma once

#include "espalier/autograd/backend/conv2d.h"

/// oneDNN's convolutions on plain channels-last memory. Weights are repacked inside the call when
/// the chosen kernel wants another layout (under 1 % of the work). Prepared kernels are kept in the
/// engine's cache.
namespace espalier::backend::onednn {

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y);
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx);
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw);

}  // namespace espalier::backend::onednn
