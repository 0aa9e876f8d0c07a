#pragma once

#include "espalier/autograd/backend/activation_table.h"
#include "espalier/autograd/backend/channel_table.h"
#include "espalier/autograd/backend/packed_table.h"
#include "espalier/autograd/backend/update_table.h"
#include "espalier/autograd/backend/vector_table.h"
#include "espalier/autograd/backend/winograd_table.h"

/// The small kernels, compiled once for each instruction set from `simd/*.inl`.
namespace espalier::backend::simd {

extern const VectorKernels baseline;
extern const VectorKernels avx2;
extern const VectorKernels avx512;

extern const ChannelKernels baseline_channels;
extern const ChannelKernels avx2_channels;
extern const ChannelKernels avx512_channels;

extern const ActivationKernels baseline_activations;
extern const ActivationKernels avx2_activations;
extern const ActivationKernels avx512_activations;

extern const UpdateKernels baseline_updates;
extern const UpdateKernels avx2_updates;
extern const UpdateKernels avx512_updates;

extern const PackedKernels baseline_packed;
extern const PackedKernels avx2_packed;
extern const PackedKernels avx512_packed;

extern const WinogradKernels baseline_winograd;
extern const WinogradKernels avx2_winograd;
extern const WinogradKernels avx512_winograd;

}  // namespace espalier::backend::simd
