#include "espalier/autograd/backend/activation_kernels.h"

#include "espalier/autograd/backend/reference/activations.h"
#include "espalier/autograd/backend/simd/tables.h"

namespace espalier::backend {
namespace {

constexpr Candidate<AnyVector, ActivationKernels> candidates[] = {
    {"reference", has<InstructionSet::baseline>, ranked<3>, &reference::activation_kernels},
    {"baseline", has<InstructionSet::baseline>, ranked<2>, &simd::baseline_activations},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>, ranked<1>, &simd::avx2_activations},
    {"avx512", has<InstructionSet::avx512>, ranked<0>, &simd::avx512_activations},
#endif
};

}  // namespace

const CandidateList<AnyVector, ActivationKernels>& activation_candidates() {
  static constexpr CandidateList<AnyVector, ActivationKernels> list{"activation", candidates};
  return list;
}

const ActivationKernels& activation_kernels() {
  return *select(activation_candidates(), AnyVector{}).run;
}

}  // namespace espalier::backend
