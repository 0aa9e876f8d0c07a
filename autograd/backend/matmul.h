#pragma once

#include <cstdint>
#include <string>

#include "espalier/autograd/backend/candidate.h"

namespace espalier::backend {

/// C = op(A)·op(B) + beta·C on row-major matrices. op(A) is m×k, op(B) is k×n, C is m×n; `ld*` is
/// the distance between rows as stored.
struct Matmul {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  int64_t lda, ldb, ldc;
  float beta;

  /// Matrices stored without gaps between rows.
  static Matmul packed(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                       float beta = 0.0f) {
    return {transpose_a, transpose_b, m, n, k, transpose_a ? m : k, transpose_b ? k : n, n, beta};
  }
  /// All sizes: `128x500x800 a b` or, of transposed matrices, `128x500x800 aT bT`.
  std::string describe() const;
  bool adds() const { return beta != 0.0f; }
  /// Multiplications and additions.
  double operations() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

/// Multiplications and additions that a thread should have: a team costs a few microseconds to
/// meet, and below this one thread is faster.
constexpr int64_t matmul_grain = 400'000;

using MatmulRun = void(const Matmul&, const float* a, const float* b, float* c);
using MatmulList = CandidateList<Matmul, MatmulRun>;

const MatmulList& matmul_candidates();

/// Runs the selected candidate, on the engine's threads or, inside a parallel region, on this one.
void matmul(const Matmul& problem, const float* a, const float* b, float* c);

}  // namespace espalier::backend
