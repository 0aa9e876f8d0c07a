#pragma once

#include "espalier/autograd/backend/channel_table.h"
#include "espalier/autograd/backend/vector_table.h"

/// The vector and channel kernels, compiled once for each instruction set from `simd/kernels.inl`
/// and `simd/channels.inl`.
namespace espalier::backend::simd {

extern const VectorKernels baseline;
extern const VectorKernels avx2;
extern const VectorKernels avx512;

extern const ChannelKernels baseline_channels;
extern const ChannelKernels avx2_channels;
extern const ChannelKernels avx512_channels;

}  // namespace espalier::backend::simd
