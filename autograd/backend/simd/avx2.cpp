#include "espalier/autograd/backend/simd/tables.h"

#if defined(__x86_64__)
#include "espalier/autograd/backend/simd/kernels.inl"

namespace espalier::backend::simd {
const VectorKernels avx2 = table;
}  // namespace espalier::backend::simd
#endif
