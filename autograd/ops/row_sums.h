#pragma once

#include <cstdint>

#include "espalier/autograd/tensor.h"

namespace espalier {

/// Σ over all axes but the last: the gradient of a bias that was added to every row.
Tensor sum_to_last_axis(const Tensor& x);

}  // namespace espalier
