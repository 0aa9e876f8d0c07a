#pragma once

#include <cstdint>

#include "espalier/autograd/backend/vector_table.h"

// As `vector_table.h`, included by files that are compiled for one instruction set only.

namespace espalier::backend {

/// y = (x − center)·factor + offset, with a value of each for every channel. The centre is taken
/// away first so that nothing is lost when all values of a channel are large and close together.
struct ChannelMap {
  const float* center;
  const float* factor;
  const float* offset;
};

/// The kernels that treat each channel of an image by itself. An image is a matrix of `rows` pixels
/// times `channels`. They run on the calling thread; who calls cuts the rows (or pictures) into
/// parts. Results must not overlap inputs.
struct ChannelKernels {
  /// mean[c] = Σ_r x[r][c] / rows; squares[c] = Σ_r (x[r][c] − mean[c])².
  void (*moments)(int64_t rows, int64_t channels, const float* x, double* mean, double* squares);
  /// y = map(x) + residual, then max(·, 0) if `relu`; the residual may be null.
  void (*normalise)(int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                    const float* x, const float* residual, float* y);
  /// h = g, or with `relu` g where the result is positive and else 0. The result is `y`, or map(x)
  /// where `y` is null. Writes h unless it is null, and sums[c] = Σ_r h[r][c], products[c] =
  /// Σ_r h[r][c]·(x[r][c] − center[c]).
  void (*normalise_sums)(int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                         const float* x, const float* y, const float* g, float* h, double* sums,
                         double* products);
  /// gx = factor·h + slope·(x − center) + constant, where h = g, or with `relu` g where map(x) is
  /// positive and else 0.
  void (*normalise_gradient)(int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                             const float* slope, const float* constant, const float* x,
                             const float* g, float* gx);
  /// y = the sum of each window (dilation 1), zeros outside the picture, over the kernel's size.
  void (*average_pool)(const Windows&, int64_t pictures, const float* x, float* y);
  /// gx = the transpose of it, applied to g.
  void (*average_pool_gradient)(const Windows&, int64_t pictures, const float* g, float* gx);
};

}  // namespace espalier::backend
