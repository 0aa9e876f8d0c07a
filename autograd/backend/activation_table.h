#pragma once

#include <cstdint>

// Included by files that are compiled for one instruction set only, see vector_table.h.

namespace espalier::backend {

/// Which elements dropout keeps: a function of their place in a stream of random words.
struct DropoutPattern {
  uint32_t key[2], stream[2];  ///< of the RandomStream
  int32_t threshold;  ///< kept when the upper 24 bits of the element's word are at least this
  float scale;        ///< what kept elements are multiplied by
};

/// The kernels of activation functions. They run on the calling thread; who calls cuts the work
/// into parts, and an element's result does not depend on the cut. Results may overwrite an input
/// of the same position. NaN gives NaN.
struct ActivationKernels {
  /// y = min(max(x, 0), 6); gx = g where 0 < y < 6, else 0.
  void (*relu6)(int64_t n, const float* x, float* y);
  void (*relu6_gradient)(int64_t n, const float* y, const float* g, float* gx);
  /// y = x where x > 0, else slope·x; gx = g or slope·g.
  void (*leaky_relu)(int64_t n, float slope, const float* x, float* y);
  void (*leaky_relu_gradient)(int64_t n, float slope, const float* x, const float* g, float* gx);
  /// y = 1/(1 + e⁻ˣ); gx = g·y·(1 − y).
  void (*sigmoid)(int64_t n, const float* x, float* y);
  void (*sigmoid_gradient)(int64_t n, const float* y, const float* g, float* gx);
  /// y = (e²ˣ − 1)/(e²ˣ + 1); gx = g·(1 − y²).
  void (*tanh)(int64_t n, const float* x, float* y);
  void (*tanh_gradient)(int64_t n, const float* y, const float* g, float* gx);
  /// y = x·Φ(x), Φ the standard normal distribution; gx = g·(Φ(x) + x·Φ′(x)).
  void (*gelu)(int64_t n, const float* x, float* y);
  void (*gelu_gradient)(int64_t n, const float* x, const float* g, float* gx);
  /// y = x·min(max(x + 3, 0), 6)/6; gx = 0 up to −3, g from 3 on, g·(2x + 3)/6 between.
  void (*hardswish)(int64_t n, const float* x, float* y);
  void (*hardswish_gradient)(int64_t n, const float* x, const float* g, float* gx);
  /// Row by row y[k] = e^x[k]/Σ_j e^x[j]; gx[k] = y[k]·(g[k] − Σ_j g[j]·y[j]).
  void (*softmax)(int64_t rows, int64_t columns, const float* x, float* y);
  void (*softmax_gradient)(int64_t rows, int64_t columns, const float* y, const float* g,
                           float* gx);
  /// Row by row y[k] = x[k] − log Σ_j e^x[j]; gx[k] = g[k] − e^y[k]·Σ_j g[j].
  void (*log_softmax)(int64_t rows, int64_t columns, const float* x, float* y);
  void (*log_softmax_gradient)(int64_t rows, int64_t columns, const float* y, const float* g,
                               float* gx);
  /// y = scale·x where kept, else +0. x begins at element `first`, a multiple of 4.
  void (*dropout)(int64_t n, int64_t first, const DropoutPattern&, const float* x, float* y);
  /// Σ (a − b)², added up in double precision; out = factor·(a − b).
  double (*squared_distance)(int64_t n, const float* a, const float* b);
  void (*scaled_difference)(int64_t n, float factor, const float* a, const float* b, float* out);
};

}  // namespace espalier::backend
