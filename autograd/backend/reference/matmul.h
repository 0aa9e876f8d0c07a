#pragma once

#include "espalier/autograd/backend/matmul.h"

namespace espalier::backend::reference {

/// The definition: c[i][j] = Σ_p a[i][p]·b[p][j] + beta·c[i][j], summed in double precision.
template <class T>
void matmul(const Matmul& problem, const T* a, const T* b, T* c) {
  for (int64_t i = 0; i < problem.m; ++i) {
    for (int64_t j = 0; j < problem.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < problem.k; ++p) {
        const T left = problem.transpose_a ? a[p * problem.lda + i] : a[i * problem.lda + p];
        const T right = problem.transpose_b ? b[j * problem.ldb + p] : b[p * problem.ldb + j];
        sum += double{left} * double{right};
      }
      T& result = c[i * problem.ldc + j];
      // With beta = 0 the old content does not matter, not even when it is NaN.
      result =
          static_cast<T>(problem.beta == 0 ? sum : sum + double{problem.beta} * double{result});
    }
  }
}

}  // namespace espalier::backend::reference
