#pragma once

#include <vector>

#include "espalier/autograd/tensor.h"

/// Grids of equal steps around zero, on which quantized weights lie.
namespace espalier::compress {

/// 2^(bits−1) − 1, the largest code of a symmetric grid: 127 at 8 bits, 1 at 2. The code
/// −2^(bits−1) is left out, so that a weight and its negative are as far from the grid.
/// \throws Error unless 2 ≤ bits ≤ 16
int largest_code(int bits);

/// The steps Δ of the symmetric grids that hold a weight `O×…`: one for each output channel (the
/// first axis) or, unless `per_channel`, one for all.
///
///     Δ = max|w| / largest_code(bits),   Δ = 1 where all w are zero
///
/// Where a w is not a number, so is Δ. \throws Error for other numbers of bits
std::vector<float> symmetric_scales(const Tensor& weight, int bits, bool per_channel);

/// The weight on those grids, same shape: code·Δ with
///
///     code = w/Δ rounded to the nearest integer, from halves to the even one,
///     −largest_code(bits) … largest_code(bits)
///
/// Zero stays zero. \throws Error for other numbers of bits
Tensor quantize_symmetric(const Tensor& weight, int bits, bool per_channel);

/// The same for given steps, one or as many as there are output channels: what lies outside the
/// grid gets its outermost code. \throws Error for another number of steps
Tensor quantize_symmetric(const Tensor& weight, int bits, const std::vector<float>& scales);

}  // namespace espalier::compress
