#pragma once

#include "espalier/autograd/backend/channel_table.h"
#include "espalier/autograd/backend/vector_kernels.h"

namespace espalier::backend {

/// As for the vector kernels, the choice depends on the machine alone.
const CandidateList<AnyVector, ChannelKernels>& channel_candidates();

/// The selected table.
const ChannelKernels& channel_kernels();

}  // namespace espalier::backend
