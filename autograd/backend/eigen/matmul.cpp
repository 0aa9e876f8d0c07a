#include "espalier/autograd/backend/eigen/matmul.h"

#include <Eigen/Core>

#include "espalier/autograd/core/parallel.h"

// This file must be compiled for the baseline instruction set. Eigen's kernels are inline
// templates: the linker keeps one copy of each, and a copy made for AVX2 would then run on every
// machine.

namespace espalier::backend::eigen {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Input = Eigen::Map<const Rows, Eigen::Unaligned, Eigen::OuterStride<>>;
using Output = Eigen::Map<Rows, Eigen::Unaligned, Eigen::OuterStride<>>;

template <class A, class B>
void product(const A& a, const B& b, float beta, Output& c) {
  if (beta == 0.0f) {
    c.noalias() = a * b;
  } else {
    if (beta != 1.0f) c *= beta;
    c.noalias() += a * b;
  }
}

template <class A>
void product(const A& a, const Matmul& problem, const float* b, Output& c) {
  if (problem.transpose_b) {
    product(a, Input(b, problem.n, problem.k, Eigen::OuterStride<>(problem.ldb)).transpose(),
            problem.beta, c);
  } else {
    product(a, Input(b, problem.k, problem.n, Eigen::OuterStride<>(problem.ldb)), problem.beta, c);
  }
}

}  // namespace

void matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  const int64_t operations_per_row = 2 * problem.n * problem.k;
  parallel_for(problem.m, 1 + 200'000 / (operations_per_row + 1), [&](int64_t begin, int64_t end) {
    Output rows(c + begin * problem.ldc, end - begin, problem.n, Eigen::OuterStride<>(problem.ldc));
    if (problem.transpose_a) {
      product(
          Input(a + begin, problem.k, end - begin, Eigen::OuterStride<>(problem.lda)).transpose(),
          problem, b, rows);
    } else {
      product(
          Input(a + begin * problem.lda, end - begin, problem.k, Eigen::OuterStride<>(problem.lda)),
          problem, b, rows);
    }
  });
}

}  // namespace espalier::backend::eigen
