#pragma once

#include "espalier/autograd/backend/vector_table.h"

/// The vector kernels, compiled once for each instruction set from `simd/kernels.inl`.
namespace espalier::backend::simd {

extern const VectorKernels baseline;
extern const VectorKernels avx2;
extern const VectorKernels avx512;

}  // namespace espalier::backend::simd
