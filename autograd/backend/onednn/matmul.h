#pragma once

#include "espalier/autograd/backend/matmul.h"

namespace espalier::backend::onednn {

/// Whether this build has oneDNN.
extern const bool available;

/// Multiplications and additions that a thread should have: a team costs a few microseconds to
/// meet, and below this one thread is faster.
constexpr int64_t matmul_grain = 400'000;

/// oneDNN's sgemm.
void matmul(const Matmul& problem, const float* a, const float* b, float* c);

}  // namespace espalier::backend::onednn
