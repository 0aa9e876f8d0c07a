#pragma once

#include "espalier/autograd/backend/candidate.h"
#include "espalier/autograd/backend/vector_table.h"

namespace espalier::backend {

/// There is one problem for all of them: the choice depends on the machine alone.
struct AnyVector {};
const CandidateList<AnyVector, VectorKernels>& vector_candidates();

/// The selected table.
const VectorKernels& vector_kernels();

}  // namespace espalier::backend
