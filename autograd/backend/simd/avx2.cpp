#include "espalier/autograd/backend/simd/tables.h"

#if defined(__x86_64__)
#include "espalier/autograd/backend/simd/kernels.inl"

// Use what the one before defines.
#include "espalier/autograd/backend/simd/activations.inl"
#include "espalier/autograd/backend/simd/updates.inl"

namespace espalier::backend::simd {
const VectorKernels avx2 = table;
const ActivationKernels avx2_activations = activation_table;
const UpdateKernels avx2_updates = update_table;
}  // namespace espalier::backend::simd
#endif
