#include "espalier/autograd/backend/simd/tables.h"

// Each uses what those before it define.
#include "espalier/autograd/backend/simd/lanes.inl"

#include "espalier/autograd/backend/simd/kernels.inl"

#include "espalier/autograd/backend/simd/activations.inl"
#include "espalier/autograd/backend/simd/channels.inl"
#include "espalier/autograd/backend/simd/sgemm.inl"
#include "espalier/autograd/backend/simd/updates.inl"
#include "espalier/autograd/backend/simd/winograd.inl"

namespace espalier::backend::simd {
const VectorKernels baseline = table;
const ChannelKernels baseline_channels = channel_table;
const ActivationKernels baseline_activations = activation_table;
const UpdateKernels baseline_updates = update_table;
const PackedKernels baseline_packed = packed_table;
const WinogradKernels baseline_winograd = winograd_table;
}  // namespace espalier::backend::simd
