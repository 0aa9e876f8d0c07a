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
const VectorKernels avx512 = table;
const ChannelKernels avx512_channels = channel_table;
const ActivationKernels avx512_activations = activation_table;
const UpdateKernels avx512_updates = update_table;
const PackedKernels avx512_packed = packed_table;
const WinogradKernels avx512_winograd = winograd_table;
}  // namespace espalier::backend::simd
#endif
