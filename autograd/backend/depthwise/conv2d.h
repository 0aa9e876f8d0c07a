#pragma once

#include "espalier/autograd/backend/conv2d.h"

/// Convolution in which every channel has one kernel of its own and nothing is summed over
/// channels: no matrix product is in it. Vectors hold neighbouring channels. Rows are shared out
/// between threads.
namespace espalier::backend::depthwise {

/// Whether there are as many groups as channels, with one output each.
bool supports(const Conv2d& problem);

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y);
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx);
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw);

}  // namespace espalier::backend::depthwise
