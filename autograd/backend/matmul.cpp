#include "espalier/autograd/backend/matmul.h"

#include "espalier/autograd/backend/eigen/matmul.h"
#include "espalier/autograd/backend/onednn/matmul.h"
#include "espalier/autograd/backend/reference/matmul.h"

namespace espalier::backend {
namespace {

double operations(const Matmul& problem) {
  return 2.0 * static_cast<double>(problem.m) * static_cast<double>(problem.n) *
         static_cast<double>(problem.k);
}

bool always(const Matmul&, const Machine&) {
  return true;
}

constexpr Candidate<Matmul, MatmulRun> candidates[] = {
    {"reference", always,
     [](const Matmul& problem, const Machine&) { return 1000 * operations(problem); },
     reference::matmul<float>},
    // Compiled for the baseline instruction set: four lanes, two operations each, per cycle.
    {"eigen", always,
     [](const Matmul& problem, const Machine&) { return operations(problem) / 15; }, eigen::matmul},
    {"onednn", [](const Matmul&, const Machine&) { return onednn::available; },
     [](const Matmul& problem, const Machine&) { return operations(problem) / 90; },
     onednn::matmul},
};

}  // namespace

const MatmulList& matmul_candidates() {
  static constexpr MatmulList list{"matmul", candidates};
  return list;
}

void matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  select(matmul_candidates(), problem).run(problem, a, b, c);
}

}  // namespace espalier::backend
