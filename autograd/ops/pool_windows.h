#pragma once

#include <cstdint>

#include "espalier/autograd/backend/vector_table.h"
#include "espalier/autograd/tensor.h"

namespace espalier {

/// The windows of a pooling operation on x `N×H×W×C`; stride 0 means the kernel's size.
/// \throws Error naming `operation` when x is no image or the windows make no sense for it
backend::Windows pool_windows(const char* operation, const Tensor& x, int64_t kernel,
                              int64_t stride, int64_t padding);

}  // namespace espalier
