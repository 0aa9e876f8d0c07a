#include "espalier/autograd/backend/packed/matmul.h"

#include <algorithm>

#include "espalier/autograd/backend/scratch.h"
#include "espalier/autograd/backend/simd/tables.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::packed {
namespace {

// A block of rows (twelve panels) fills part of a second-level cache, one of lanes part of the
// third.
constexpr int64_t panels_of_rows = 12, block_of_lanes = 1024;

int64_t parts_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}
int64_t round_up(int64_t n, int64_t step) {
  return parts_of(n, step) * step;
}

/// One of the two sides of a product, see `PackedKernels`.
struct Side {
  const float* data;
  int64_t places, ld;
  bool along;

  const float* at(int64_t place, int64_t k) const {
    return data + (along ? k * ld + place : place * ld + k);
  }
  Side part(int64_t first, int64_t some) const { return {at(first, 0), some, ld, along}; }
};

/// C = rows·lanes + beta·C on this thread; with `turn`, C is lanes×rows.
struct Product {
  Side rows, lanes;
  int64_t k;
  float beta;
  bool turn;
  float* c;
  int64_t ldc;

  float* result(int64_t row, int64_t lane) const {
    return c + (turn ? lane * ldc + row : row * ldc + lane);
  }

  void multiply(const PackedKernels& kernels) const {
    const int64_t block_m = panels_of_rows * kernels.tile_rows;
    // Blocks alike, and one also where k is 0: C is written in any case.
    const int64_t blocks = std::max<int64_t>(1, parts_of(k, PackedKernels::longest_k));
    const int64_t block_k = parts_of(k, blocks);
    // Rows that lie along k are read where they are.
    const Buffer packed_rows =
        rows.along ? scratch(std::min(block_m, round_up(rows.places, kernels.tile_rows)) * block_k)
                   : Buffer();
    const Buffer panels =
        scratch(round_up(std::min(block_of_lanes, lanes.places), kernels.tile_columns) * block_k);
    for (int64_t j = 0; j < lanes.places; j += block_of_lanes) {
      const int64_t n = std::min(block_of_lanes, lanes.places - j);
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t q = block * block_k, some_k = std::min(block_k, k - q);
        kernels.pack_lanes(lanes.along, n, some_k, lanes.at(j, q), lanes.ld, panels.as());
        for (int64_t i = 0; i < rows.places; i += block_m) {
          const int64_t m = std::min(block_m, rows.places - i);
          if (rows.along) {
            kernels.pack_rows(m, some_k, rows.at(i, q), rows.ld, packed_rows.as());
          }
          kernels.multiply(m, n, some_k, rows.along ? packed_rows.as() : rows.at(i, q),
                           rows.along ? 0 : rows.ld, panels.as(), block == 0 ? beta : 1.0f, turn,
                           result(i, j), ldc);
        }
      }
    }
  }
};

/// How a product is walked: which matrix gives the rows, and which of the two sides threads share.
struct Way {
  bool turn, share_rows;
  int64_t tiles, grain;  ///< of the shared side
  double cost;           ///< rough nanoseconds
};

Way way(const PackedKernels& kernels, const Side& rows, const Side& lanes, int64_t k, bool turn,
        bool share_rows) {
  const int64_t tile = share_rows ? kernels.tile_rows : kernels.tile_columns;
  const int64_t tiles = parts_of((share_rows ? rows : lanes).places, tile);
  const int64_t operations_per_tile = 2 * tile * (share_rows ? lanes : rows).places * k;
  const int64_t grain = 1 + matmul_grain / (operations_per_tile + 1);
  const int parts = parallel_part_count(tiles, grain);
  const int64_t most = parts_of(tiles, parts) * tile;  // the thread that has most to do
  const auto m = static_cast<double>(share_rows ? most : round_up(rows.places, kernels.tile_rows));
  const auto n =
      static_cast<double>(share_rows ? round_up(lanes.places, kernels.tile_columns) : most);
  // By measurement: multiplications and additions, packing a value, and writing one.
  const double arithmetic = 2 * m * n / kernels.operations_per_nanosecond;
  const double packing = n * (lanes.along ? 0.4 : 0.35) + (rows.along ? m * 0.4 : 0);
  const double writing =
      m * n * (turn ? 0.4 : 0.1) / static_cast<double>(std::min(k, PackedKernels::longest_k));
  return {turn, share_rows, tiles, grain,
          static_cast<double>(k) * (arithmetic + packing + writing)};
}

Side left_of(const Matmul& p, const float* a) {
  return {a, p.m, p.lda, p.transpose_a};
}
Side right_of(const Matmul& p, const float* b) {
  return {b, p.n, p.ldb, !p.transpose_b};
}

Way best_way(const PackedKernels& kernels, const Matmul& p) {
  const Side left = left_of(p, nullptr), right = right_of(p, nullptr);
  Way best = way(kernels, left, right, p.k, false, false);
  for (const Way& other :
       {way(kernels, left, right, p.k, false, true), way(kernels, right, left, p.k, true, false),
        way(kernels, right, left, p.k, true, true)}) {
    if (other.cost < best.cost) best = other;
  }
  return best;
}

}  // namespace

double cost(const PackedKernels& kernels, const Matmul& problem) {
  return best_way(kernels, problem).cost;
}

void matmul(const PackedKernels& kernels, const Matmul& p, const float* a, const float* b,
            float* c) {
  const Way best = best_way(kernels, p);
  const Side left = left_of(p, a), right = right_of(p, b);
  const Product all{
      best.turn ? right : left, best.turn ? left : right, p.k, p.beta, best.turn, c, p.ldc};
  const int64_t tile = best.share_rows ? kernels.tile_rows : kernels.tile_columns;
  parallel_for(best.tiles, best.grain, [&](int64_t begin, int64_t end) {
    Product part = all;
    Side& shared = best.share_rows ? part.rows : part.lanes;
    const int64_t first = begin * tile;
    shared = shared.part(first, std::min(end * tile, shared.places) - first);
    part.c = best.share_rows ? all.result(first, 0) : all.result(0, first);
    part.multiply(kernels);
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
