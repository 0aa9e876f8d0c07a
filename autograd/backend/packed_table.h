#pragma once

#include <cstdint>

// As `vector_table.h`, included by files that are compiled for one instruction set only.

namespace espalier::backend {

/// The parts of a matrix product. It has two sides, both given with k values for each of their
/// places: the lanes of vectors run along `lanes`, and single values of `rows` are multiplied with
/// them. A side is stored `along` its places (place i at `from[p * ld + i]`) or along k (`from[i *
/// ld + p]`). Packed, it consists of panels of `tile_columns` or `tile_rows` places side by side,
/// one p behind the other; the last panel is filled up with zeros. All run on the calling thread.
struct PackedKernels {
  /// `multiply` takes at most so many places along k: a panel of lanes then fills half of a
  /// first-level cache.
  static constexpr int64_t longest_k = 320;
  int64_t tile_rows, tile_columns;
  double operations_per_nanosecond;  ///< of `multiply` on one core, roughly
  /// Of rows stored along their places; others are multiplied where they lie.
  void (*pack_rows)(int64_t places, int64_t k, const float* from, int64_t ld, float* to);
  void (*pack_lanes)(bool along, int64_t places, int64_t k, const float* from, int64_t ld,
                     float* to);
  /// C = rows·lanes + beta·C, m×n, for packed lanes; C is not read where beta is 0. `ld_rows` is 0
  /// for packed rows, and otherwise the distance between rows stored along k. With `turn`, C is
  /// n×m.
  void (*multiply)(int64_t m, int64_t n, int64_t k, const float* rows, int64_t ld_rows,
                   const float* lanes, float beta, bool turn, float* c, int64_t ldc);
  /// Nothing but multiplications and additions on values in registers, `rounds` times
  /// `operations_per_round` of them: what the machine could do at best. \return a number that keeps
  /// them from being left out
  float (*multiply_adds)(int64_t rounds);
  int64_t operations_per_round;
};

}  // namespace espalier::backend
