#include "espalier/autograd/backend/simd/tables.h"

#if defined(__x86_64__)
// Each uses what those before it define.
#include "espalier/autograd/backend/simd/lanes.inl"

#include "espalier/autograd/backend/simd/kernels.inl"

#include "espalier/autograd/backend/simd/activations.inl"
#include "espalier/autograd/backend/simd/channels.inl"
#include "espalier/autograd/backend/simd/sgemm.inl"
#include "espalier/autograd/backend/simd/updates.inl"
#include "espalier/autograd/backend/simd/winograd.inl"

namespace espalier::backend::simd {
const VectorKernels avx2 = table;
const ChannelKernels avx2_channels = channel_table;
const ActivationKernels avx2_activations = activation_table;
const UpdateKernels avx2_updates = update_table;
const PackedKernels avx2_packed = packed_table;
const WinogradKernels avx2_winograd = winograd_table;
}  // namespace espalier::backend::simd
#endif
