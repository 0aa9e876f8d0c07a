#include "espalier/autograd/backend/vector_kernels.h"

#include "espalier/autograd/backend/reference/vector_kernels.h"
#include "espalier/autograd/backend/simd/tables.h"

namespace espalier::backend {
namespace {

constexpr Candidate<AnyVector, VectorKernels> candidates[] = {
    {"reference", has<InstructionSet::baseline>, ranked<3>, &reference::vector_kernels},
    {"baseline", has<InstructionSet::baseline>, ranked<2>, &simd::baseline},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>, ranked<1>, &simd::avx2},
    {"avx512", has<InstructionSet::avx512>, ranked<0>, &simd::avx512},
#endif
};

}  // namespace

const CandidateList<AnyVector, VectorKernels>& vector_candidates() {
  static constexpr CandidateList<AnyVector, VectorKernels> list{"vector", candidates};
  return list;
}

const VectorKernels& vector_kernels() {
  return *select(vector_candidates(), AnyVector{}).run;
}

}  // namespace espalier::backend
