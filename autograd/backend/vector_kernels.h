#pragma once

#include "espalier/autograd/backend/by_instruction_set.h"
#include "espalier/autograd/backend/vector_table.h"

namespace espalier::backend {

const CandidateList<AnyVector, VectorKernels>& vector_candidates();

/// The selected table.
const VectorKernels& vector_kernels();

}  // namespace espalier::backend
