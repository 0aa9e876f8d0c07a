#include "espalier/autograd/backend/simd/tables.h"

#if defined(__x86_64__)
#include "espalier/autograd/backend/simd/kernels.inl"

// Use what the one before defines.
#include "espalier/autograd/backend/simd/activations.inl"
#include "espalier/autograd/backend/simd/updates.inl"

namespace espalier::backend::simd {
const VectorKernels avx512 = table;
const ActivationKernels avx512_activations = activation_table;
const UpdateKernels avx512_updates = update_table;
}  // namespace espalier::backend::simd
#endif
