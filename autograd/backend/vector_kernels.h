#pragma once

#include <cstdint>

#include "espalier/autograd/backend/candidate.h"

namespace espalier::backend {

/// One window of a pooling row: see `VectorKernels::max_pool`.
struct MaxPool2d {
  int64_t batch, height, width, channels;
  int64_t kernel, stride, padding;
  int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  /// Whether no input value belongs to two windows.
  bool disjoint() const { return stride >= kernel; }
};

/// Settings of one optimizer update, see `VectorKernels`.
struct SgdUpdate {
  float learning_rate, momentum, weight_decay;
  bool nesterov;
};
struct AdamUpdate {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2;  ///< 1 − β₁ᵗ and 1 − β₂ᵗ
};

/// The kernels that walk over memory once. They run on the calling thread; who calls cuts the work
/// into parts. Results may overwrite an input of the same position.
struct VectorKernels {
  /// out = a + b; out = a·b.
  void (*add)(int64_t n, const float* a, const float* b, float* out);
  void (*multiply)(int64_t n, const float* a, const float* b, float* out);
  /// out = factor·x.
  void (*scale)(int64_t n, float factor, const float* x, float* out);
  /// y = max(x, 0); gx = g where y > 0, else 0.
  void (*relu)(int64_t n, const float* x, float* y);
  void (*relu_gradient)(int64_t n, const float* y, const float* g, float* gx);
  /// out = x where the bit is set, else +0. `bits` starts at x's first element.
  void (*mask)(int64_t n, const float* x, const uint64_t* bits, float* out);
  /// y = x to the nearest integer, ties to even.
  void (*round)(int64_t n, const float* x, float* y);
  /// y = min(max(x, low), high); gx = g where low ≤ x ≤ high, else 0.
  void (*clamp)(int64_t n, float low, float high, const float* x, float* y);
  void (*clamp_gradient)(int64_t n, float low, float high, const float* x, const float* g, float* gx);
  /// Σ x, added up in double precision.
  double (*sum)(int64_t n, const float* x);
  /// y[r][c] += bias[c].
  void (*add_to_rows)(int64_t rows, int64_t columns, const float* bias, float* y);
  /// out[c] = Σ_r x[r][c].
  void (*column_sums)(int64_t rows, int64_t columns, const float* x, float* out);
  /// y[c][r] = x[r][c] + bias[r]; bias may be null.
  void (*transpose_add)(int64_t rows, int64_t columns, const float* x, const float* bias, float* y);
  /// Pictures [begin, end): y = the largest value of each window; NaN if it has one.
  void (*max_pool)(const MaxPool2d&, int64_t begin, int64_t end, const float* x, float* y);
  /// Pictures [begin, end): gx = g at the first value of each window that equals y, else 0.
  void (*max_pool_gradient)(const MaxPool2d&, int64_t begin, int64_t end, const float* x,
                            const float* y, const float* g, float* gx);
  /// d = g + decay·w; v = momentum·v + d; w −= rate·(nesterov ? d + momentum·v : v).
  /// v may be null when momentum is 0.
  void (*sgd)(int64_t n, const SgdUpdate&, const float* g, float* v, float* w);
  /// Kingma & Ba, arXiv 1412.6980, algorithm 1, with decay·w added to the gradient.
  void (*adam)(int64_t n, const AdamUpdate&, const float* g, float* m, float* v, float* w);
};

/// There is one problem for all of them: the choice depends on the machine alone.
struct AnyVector {};
const CandidateList<AnyVector, VectorKernels>& vector_candidates();

/// The selected table.
const VectorKernels& vector_kernels();

}  // namespace espalier::backend
