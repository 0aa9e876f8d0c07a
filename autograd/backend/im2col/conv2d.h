#pragma once

#include "espalier/autograd/backend/conv2d.h"

/// Convolution as matrix products. The windows that the kernel sees, one row of `window()` values
/// per output pixel, are copied out ("im2col") for a few pictures at a time, so that they stay in
/// the second-level cache while sgemm reads them. Wins over direct convolution when channel counts
/// do not fill vector lanes and kernels are large. Groups go one after the other.
namespace espalier::backend::im2col {

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y);
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx);
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw);

}  // namespace espalier::backend::im2col
