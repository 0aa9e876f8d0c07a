#include "espalier/autograd/backend/channel_kernels.h"

#include "espalier/autograd/backend/by_instruction_set.h"
#include "espalier/autograd/backend/reference/channel_kernels.h"
#include "espalier/autograd/backend/simd/tables.h"

namespace espalier::backend {
namespace {

constexpr Candidate<AnyVector, ChannelKernels> candidates[] = {
    {"reference", has<InstructionSet::baseline>, ranked<3>, &reference::channel_kernels},
    {"baseline", has<InstructionSet::baseline>, ranked<2>, &simd::baseline_channels},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>, ranked<1>, &simd::avx2_channels},
    {"avx512", has<InstructionSet::avx512>, ranked<0>, &simd::avx512_channels},
#endif
};

}  // namespace

const CandidateList<AnyVector, ChannelKernels>& channel_candidates() {
  static constexpr CandidateList<AnyVector, ChannelKernels> list{"channel", candidates};
  return list;
}

const ChannelKernels& channel_kernels() {
  return *select(channel_candidates(), AnyVector{}).run;
}

}  // namespace espalier::backend
