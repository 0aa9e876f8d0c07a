#include "espalier/autograd/backend/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/backend/eigen/matmul.h"
#include "espalier/autograd/backend/onednn/matmul.h"
#include "espalier/autograd/backend/packed/matmul.h"
#include "espalier/autograd/backend/reference/matmul.h"
#include "espalier/autograd/backend/simd/tables.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend {
namespace {

bool always(const Matmul&, const Machine&) {
  return true;
}

template <InstructionSet needed>
bool has(const Matmul&, const Machine& machine) {
  return machine.instruction_set >= needed;
}

template <const PackedKernels& kernels>
double packed_cost(const Matmul& problem, const Machine&) {
  return packed::cost(kernels, problem);
}

template <const PackedKernels& kernels>
void packed_matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  packed::matmul(kernels, problem, a, b, c);
}

/// oneDNN's product is at its best when all sides are long, and takes longer to gather a team.
double onednn_cost(const Matmul& p, const Machine&) {
  const auto shortest = static_cast<double>(std::min({p.m, p.n, p.k}));
  const int parts = parallel_part_count(static_cast<int64_t>(p.operations()), matmul_grain);
  return p.operations() / (76 + 19 * std::min(1.0, shortest / 768)) / parts +
         (parts > 1 ? 6000 : 0);
}

constexpr Candidate<Matmul, MatmulRun> candidates[] = {
    {"reference", always,
     [](const Matmul& problem, const Machine&) { return 1000 * problem.operations(); },
     reference::matmul<float>},
    // Compiled for the baseline instruction set: four lanes, two operations each, per cycle.
    {"eigen", always,
     [](const Matmul& problem, const Machine&) { return problem.operations() / 15; },
     eigen::matmul},
    {"baseline", has<InstructionSet::baseline>, packed_cost<simd::baseline_packed>,
     packed_matmul<simd::baseline_packed>},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>, packed_cost<simd::avx2_packed>,
     packed_matmul<simd::avx2_packed>},
    {"avx512", has<InstructionSet::avx512>, packed_cost<simd::avx512_packed>,
     packed_matmul<simd::avx512_packed>},
#endif
    {"onednn", [](const Matmul& p, const Machine&) { return onednn::available && p.k > 0; },
     onednn_cost, onednn::matmul},
};

}  // namespace

std::string Matmul::describe() const {
  return fmt::format("{}x{}x{} {} {}", m, n, k, transpose_a ? "aT" : "a", transpose_b ? "bT" : "b");
}

const MatmulList& matmul_candidates() {
  static constexpr MatmulList list{"matmul", candidates};
  return list;
}

void matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  run_selected(matmul_candidates(), problem, a, b, c);
}

}  // namespace espalier::backend
