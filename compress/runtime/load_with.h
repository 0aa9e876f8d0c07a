#pragma once

#include "espalier/compress/runtime/kernels/kernels.h"
#include "espalier/compress/runtime/runtime.h"

namespace espalier::runtime {

/// `load` with kernels that are given, whatever the options say: for tests of kernels.
Status load_with(const Kernels& kernels, const void* data, size_t size, const Options& options,
                 Model& model);

}  // namespace espalier::runtime
