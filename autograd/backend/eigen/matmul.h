#pragma once

#include "espalier/autograd/backend/matmul.h"

namespace espalier::backend::eigen {

/// Eigen's matrix product: the portable one. Rows of C are shared out between threads.
void matmul(const Matmul& problem, const float* a, const float* b, float* c);

}  // namespace espalier::backend::eigen
