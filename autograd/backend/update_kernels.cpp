#include "espalier/autograd/backend/update_kernels.h"

#include "espalier/autograd/backend/reference/updates.h"
#include "espalier/autograd/backend/simd/tables.h"

namespace espalier::backend {
namespace {

constexpr Candidate<AnyVector, UpdateKernels> candidates[] = {
    {"reference", has<InstructionSet::baseline>, ranked<3>, &reference::update_kernels},
    {"baseline", has<InstructionSet::baseline>, ranked<2>, &simd::baseline_updates},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>, ranked<1>, &simd::avx2_updates},
    {"avx512", has<InstructionSet::avx512>, ranked<0>, &simd::avx512_updates},
#endif
};

}  // namespace

const CandidateList<AnyVector, UpdateKernels>& update_candidates() {
  static constexpr CandidateList<AnyVector, UpdateKernels> list{"update", candidates};
  return list;
}

const UpdateKernels& update_kernels() {
  return *select(update_candidates(), AnyVector{}).run;
}

}  // namespace espalier::backend
