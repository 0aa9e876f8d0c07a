#pragma once

#include <cstdint>
#include <span>

#include "espalier/autograd/mask.h"
#include "espalier/autograd/tensor.h"

namespace espalier::nn {

/// The given indices of an axis, in their order, and all of the other axes: the values of a tensor
/// or the bits of a mask that has lost channels.
/// \throws Error for an axis that is not there or an index out of range
Tensor keep_indices(const Tensor& x, int axis, std::span<const int64_t> indices);
Mask keep_indices(const Mask& mask, int axis, std::span<const int64_t> indices);

}  // namespace espalier::nn
