#include "espalier/autograd/backend/simd/tables.h"

// Each uses what those before it define.
#include "espalier/autograd/backend/simd/lanes.inl"

#include "espalier/autograd/backend/simd/kernels.inl"

#include "espalier/autograd/backend/simd/channels.inl"

namespace espalier::backend::simd {
const VectorKernels baseline = table;
const ChannelKernels baseline_channels = channel_table;
}  // namespace espalier::backend::simd
