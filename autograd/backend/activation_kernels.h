#pragma once

#include "espalier/autograd/backend/activation_table.h"
#include "espalier/autograd/backend/by_instruction_set.h"

namespace espalier::backend {

const CandidateList<AnyVector, ActivationKernels>& activation_candidates();

/// The selected table.
const ActivationKernels& activation_kernels();

}  // namespace espalier::backend
