#include "espalier/autograd/backend/simd/tables.h"

#if defined(__x86_64__)
// Each uses what those before it define.
#include "espalier/autograd/backend/simd/lanes.inl"

#include "espalier/autograd/backend/simd/kernels.inl"

#include "espalier/autograd/backend/simd/channels.inl"

namespace espalier::backend::simd {
const VectorKernels avx512 = table;
const ChannelKernels avx512_channels = channel_table;
}  // namespace espalier::backend::simd
#endif
