#pragma once

#include <vector>

#include "espalier/autograd/ops.h"
#include "espalier/autograd/tensor.h"

/// Where the values lie that weights and activations are quantized to.
namespace espalier::compress {

/// 2^(bits−1) − 1, the largest code of a symmetric grid: 127 at 8 bits, 1 at 2. The code
/// −2^(bits−1) is left out, so that a weight and its negative are as far from the grid.
/// \throws Error unless 2 ≤ bits ≤ 16
int largest_code(int bits);

/// The largest |x|, and that of a range.
float largest_magnitude(const Tensor& x);
float largest_magnitude(const ValueRange& range);

/// The grid around 0 that holds the range:
///
///     scale = largest magnitude / largest_code(bits),   1 where that is 0;   zero_point = 0
QuantizationGrid symmetric_grid(const ValueRange& range, int bits);

/// The grid that holds low … high and has 0 among its values (Jacob et al., arXiv 1712.05877,
/// sections 2.1 and 3.1), with the given codes. Both ends are first moved so that 0 lies between
/// them; then the zero point is put on the nearest code ("nudged"), which shifts the ends by less
/// than a step:
///
///     scale = (high − low) / (highest − lowest),   1 where that is 0
///     zero_point = lowest − low/scale, rounded, in lowest…highest
QuantizationGrid affine_grid(float low, float high, int lowest, int highest);

/// What a weight `O×…` is quantized with: one grid for each output channel (the first axis) or,
/// unless `per_channel`, one for all. Symmetric, or affine with the codes 1…2^bits − 1: the lowest
/// is left out in both (section 3.1).
std::vector<QuantizationGrid> weight_grids(const Tensor& weight, int bits, bool per_channel,
                                           bool symmetric = true);

/// The weight on its symmetric grids, same shape. Zero stays zero.
Tensor quantize_symmetric(const Tensor& weight, int bits, bool per_channel);

}  // namespace espalier::compress
