#include "espalier/autograd/backend/simd/tables.h"

#include "espalier/autograd/backend/simd/kernels.inl"

namespace espalier::backend::simd {
const VectorKernels baseline = table;
}  // namespace espalier::backend::simd
