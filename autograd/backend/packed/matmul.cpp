#include "espalier/autograd/backend/packed/matmul.h"

#include <algorithm>

#include "espalier/autograd/backend/scratch.h"
#include "espalier/autograd/backend/simd/tables.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::packed {
namespace {

// A panel of B with this many rows fills half of a first-level cache, a block of A (twelve panels)
// part of the second level, and a block of B part of the third.
constexpr int64_t block_k = 256, panels_of_a = 12, block_n = 1024;

int64_t round_up(int64_t n, int64_t step) {
  return (n + step - 1) / step * step;
}

/// The product on this thread.
void multiply(const PackedKernels& kernels, const Matmul& p, const float* a, const float* b,
              float* c) {
  const int64_t block_m = panels_of_a * kernels.tile_rows;
  const int64_t most_k = std::min(block_k, p.k);
  const Buffer packed_a = scratch(std::min(block_m, round_up(p.m, kernels.tile_rows)) * most_k);
  const Buffer packed_b = scratch(round_up(std::min(block_n, p.n), kernels.tile_columns) * most_k);
  for (int64_t j = 0; j < p.n; j += block_n) {
    const int64_t n = std::min(block_n, p.n - j);
    for (int64_t q = 0; q < p.k; q += block_k) {
      const int64_t k = std::min(block_k, p.k - q);
      kernels.pack_b(p.transpose_b, n, k, b + (p.transpose_b ? j * p.ldb + q : q * p.ldb + j),
                     p.ldb, packed_b.as());
      for (int64_t i = 0; i < p.m; i += block_m) {
        const int64_t m = std::min(block_m, p.m - i);
        kernels.pack_a(p.transpose_a, m, k, a + (p.transpose_a ? q * p.lda + i : i * p.lda + q),
                       p.lda, packed_a.as());
        kernels.multiply(m, n, k, packed_a.as(), packed_b.as(), q == 0 ? p.beta : 1.0f,
                         c + i * p.ldc + j, p.ldc);
      }
    }
  }
}

}  // namespace

void matmul(const PackedKernels& kernels, const Matmul& problem, const float* a, const float* b,
            float* c) {
  // Whole tiles are shared out, along the longer side: the other side is packed by every thread.
  const bool rows = problem.m >= problem.n;
  const int64_t tile = rows ? kernels.tile_rows : kernels.tile_columns;
  const int64_t all = rows ? problem.m : problem.n;
  const int64_t operations_per_tile = 2 * tile * problem.k * (rows ? problem.n : problem.m);
  parallel_for((all + tile - 1) / tile, 1 + 400'000 / (operations_per_tile + 1),
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * tile, size = std::min(end * tile, all) - first;
                 Matmul part = problem;
                 if (rows) {
                   part.m = size;
                   multiply(kernels, part, a + first * (problem.transpose_a ? 1 : problem.lda), b,
                            c + first * problem.ldc);
                 } else {
                   part.n = size;
                   multiply(kernels, part, a, b + first * (problem.transpose_b ? problem.ldb : 1),
                            c + first);
                 }
               });
}

const PackedKernels& best_kernels() {
#if defined(__x86_64__)
  const InstructionSet set = Engine::current().instruction_set();
  if (set >= InstructionSet::avx512) return simd::avx512_packed;
  if (set >= InstructionSet::avx2) return simd::avx2_packed;
#endif
  return simd::baseline_packed;
}

}  // namespace espalier::backend::packed
