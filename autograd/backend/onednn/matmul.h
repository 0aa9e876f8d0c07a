#pragma once

#include "espalier/autograd/backend/matmul.h"

namespace espalier::backend::onednn {

/// Whether this build has oneDNN.
extern const bool available;

/// oneDNN's sgemm.
void matmul(const Matmul& problem, const float* a, const float* b, float* c);

}  // namespace espalier::backend::onednn
