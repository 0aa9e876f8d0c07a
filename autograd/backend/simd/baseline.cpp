#include "espalier/autograd/backend/simd/tables.h"

#include "espalier/autograd/backend/simd/kernels.inl"

// Uses what the one before defines.
#include "espalier/autograd/backend/simd/channels.inl"

namespace espalier::backend::simd {
const VectorKernels baseline = table;
const ChannelKernels baseline_channels = channel_table;
}  // namespace espalier::backend::simd
