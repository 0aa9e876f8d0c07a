#include "espalier/autograd/backend/matmul.h"

#include <fmt/format.h>

#include "espalier/autograd/backend/eigen/matmul.h"
#include "espalier/autograd/backend/onednn/matmul.h"
#include "espalier/autograd/backend/packed/matmul.h"
#include "espalier/autograd/backend/reference/matmul.h"
#include "espalier/autograd/backend/simd/tables.h"

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
void packed_matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  packed::matmul(kernels, problem, a, b, c);
}

constexpr Candidate<Matmul, MatmulRun> candidates[] = {
    {"reference", always,
     [](const Matmul& problem, const Machine&) { return 1000 * problem.operations(); },
     reference::matmul<float>},
    // Compiled for the baseline instruction set: four lanes, two operations each, per cycle.
    {"eigen", always,
     [](const Matmul& problem, const Machine&) { return problem.operations() / 15; },
     eigen::matmul},
    {"baseline", has<InstructionSet::baseline>,
     [](const Matmul& problem, const Machine&) { return problem.operations() / 14.5; },
     packed_matmul<simd::baseline_packed>},
#if defined(__x86_64__)
    {"avx2", has<InstructionSet::avx2>,
     [](const Matmul& problem, const Machine&) { return problem.operations() / 80; },
     packed_matmul<simd::avx2_packed>},
    {"avx512", has<InstructionSet::avx512>,
     [](const Matmul& problem, const Machine&) { return problem.operations() / 85; },
     packed_matmul<simd::avx512_packed>},
#endif
    {"onednn", [](const Matmul&, const Machine&) { return onednn::available; },
     [](const Matmul& problem, const Machine&) { return problem.operations() / 90; },
     onednn::matmul},
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
