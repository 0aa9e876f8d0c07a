#pragma once

#include <cstdint>

// As `vector_table.h`, included by files that are compiled for one instruction set only.

namespace espalier::backend {

/// The parts of a matrix product C = A·B + beta·C. A packed matrix consists of panels: `tile_rows`
/// rows of A or `tile_columns` columns of B side by side, place after place along k; the last panel
/// is filled up with zeros. They run on the calling thread.
struct PackedKernels {
  int64_t tile_rows, tile_columns;
  /// Packs a block of A, m×k, or as stored k×m if `transposed`; `lda` is the distance between
  /// stored rows.
  void (*pack_a)(bool transposed, int64_t m, int64_t k, const float* a, int64_t lda, float* packed);
  /// Packs a block of B, k×n, or as stored n×k if `transposed`.
  void (*pack_b)(bool transposed, int64_t n, int64_t k, const float* b, int64_t ldb, float* packed);
  /// C = A·B + beta·C for packed blocks; C is not read where beta is 0.
  void (*multiply)(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float beta,
                   float* c, int64_t ldc);
  /// Nothing but multiplications and additions on values in registers, `rounds` times
  /// `operations_per_round` of them: what the machine could do at best. \return a number that keeps
  /// them from being left out
  float (*multiply_adds)(int64_t rounds);
  int64_t operations_per_round;
};

}  // namespace espalier::backend
