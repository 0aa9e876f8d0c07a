#include "espalier/autograd/backend/simd/tables.h"

#include "espalier/autograd/backend/simd/kernels.inl"

// Use what the one before defines.
#include "espalier/autograd/backend/simd/activations.inl"
#include "espalier/autograd/backend/simd/updates.inl"

namespace espalier::backend::simd {
const VectorKernels baseline = table;
const ActivationKernels baseline_activations = activation_table;
const UpdateKernels baseline_updates = update_table;
}  // namespace espalier::backend::simd
