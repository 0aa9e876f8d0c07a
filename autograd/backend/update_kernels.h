#pragma once

#include "espalier/autograd/backend/by_instruction_set.h"
#include "espalier/autograd/backend/update_table.h"

namespace espalier::backend {

const CandidateList<AnyVector, UpdateKernels>& update_candidates();

/// The selected table.
const UpdateKernels& update_kernels();

}  // namespace espalier::backend
