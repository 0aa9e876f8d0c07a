#pragma once

#include "espalier/autograd/backend/conv2d.h"
#include "espalier/autograd/backend/winograd_table.h"

namespace espalier::backend::winograd {

/// Convolutions with 3×3 weights and stride 1 by minimal filtering, see `WinogradKernels`: a
/// quarter of the multiplications, in products of matrices. A block of tiles is transformed,
/// multiplied and transformed back while it lies in the second-level cache; threads share out the
/// blocks.
///
/// Rounding errors are about twice those of a direct convolution.
bool supports(const Conv2d& problem);

void conv2d_forward(const WinogradKernels&, const Conv2d&, const float* x, const float* w,
                    const float* b, float* y);
void conv2d_input_gradient(const WinogradKernels&, const Conv2d&, const float* gy, const float* w,
                           float* gx);
void conv2d_weight_gradient(const WinogradKernels&, const Conv2d&, const float* gy, const float* x,
                            float* gw);

}  // namespace espalier::backend::winograd
