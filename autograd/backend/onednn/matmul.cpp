#include "espalier/autograd/backend/onednn/matmul.h"

#include <oneapi/dnnl/dnnl.h>

#include <cstdlib>

#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::onednn {

const bool available = true;

namespace {

/// sgemm takes its working memory from malloc and gives it back in each call. As long as malloc has
/// seen no larger block freed, it maps and trims such blocks each time; having seen one, it keeps
/// them (mallopt(3), "dynamic mmap threshold"). Once for the process, and what any program does
/// that frees a large block.
void teach_malloc_to_keep_blocks() {
  static const bool taught = [] {
    constexpr size_t block = (size_t{32} << 20) - 8192;  // the largest that malloc learns from
    void* volatile memory = std::malloc(block);  // volatile: the pair must not be optimised away
    std::free(memory);
    return true;
  }();
  static_cast<void>(taught);
}

}  // namespace

void matmul(const Matmul& problem, const float* a, const float* b, float* c) {
  teach_malloc_to_keep_blocks();
  TeamScope team(parallel_part_count(static_cast<int64_t>(problem.operations()), matmul_grain));
  const dnnl_status_t status = dnnl_sgemm(
      problem.transpose_a ? 'T' : 'N', problem.transpose_b ? 'T' : 'N', problem.m, problem.n,
      problem.k, 1.0f, a, problem.lda, b, problem.ldb, problem.beta, c, problem.ldc);
  if (status != dnnl_success) {
    throw Error("matmul", "oneDNN's sgemm failed with status " + std::to_string(status));
  }
}

}  // namespace espalier::backend::onednn
