#pragma once

#include <cstdint>

// As `vector_table.h`, included by files that are compiled for one instruction set only.

namespace espalier::backend {

/// Pictures `height×width×channels` cut into tiles of 4×4 results of a convolution with 3×3
/// weights, which need 6×6 values of the input. Tiles are numbered row by row through all pictures;
/// those at the right and lower border may reach beyond.
struct WinogradTiles {
  int64_t height, width;  // of the input
  int64_t out_height, out_width;
  int64_t padding;

  int64_t rows() const { return (out_height + 3) / 4; }
  int64_t columns() const { return (out_width + 3) / 4; }
};

/// The parts of Winograd's minimal filtering F(4×4, 3×3) (Lavin & Gray, arXiv 1509.09308, section
/// 4.3). In the transformed domain a convolution is a product of matrices at each of 36 points.
/// There a tile or a weight is 36 values, one in each of 36 planes, `plane` floats apart.
///
/// Within a plane there are two layouts. Rows: a row for each tile, channels rounded up to whole
/// vectors. Panels, for the right side of a product: columns in groups of two vectors, or one for
/// the last if they are odd, a group's rows one behind the other. All run on the calling thread.
struct WinogradKernels {
  int64_t lanes;  ///< values of a vector
  /// U = G·g·Gᵀ for rows [begin, end) of inputs, as panels of outputs. `w` is 9×inputs×outputs;
  /// `flip` turns it by half a turn.
  void (*weights)(bool flip, int64_t inputs, int64_t outputs, int64_t begin, int64_t end,
                  const float* w, int64_t plane, float* u);
  /// V = Bᵀ·d·B of some tiles, as rows.
  void (*input)(const WinogradTiles&, int64_t channels, int64_t first, int64_t count,
                const float* x, int64_t plane, float* v);
  /// M = A·g·Aᵀ of some tiles of a result's gradient, as panels whose rows are the tiles.
  void (*output_gradient)(const WinogradTiles&, int64_t channels, int64_t first, int64_t count,
                          const float* gy, int64_t plane, float* m);
  /// C = A·B or, if `add`, C += A·B, for one plane: A m×k as rows `lda` apart (of a transposed one,
  /// k rows), B as panels of `n` columns, whole vectors, C as rows of n.
  void (*multiply)(bool transposed, bool add, int64_t m, int64_t n, int64_t k, const float* a,
                   int64_t lda, const float* b, float* c);
  /// y = Aᵀ·M·A + bias of some tiles; M as rows; bias may be null.
  void (*output)(const WinogradTiles&, int64_t channels, int64_t first, int64_t count,
                 const float* m, int64_t plane, const float* bias, float* y);
  /// gw = Gᵀ·U·G for rows [begin, end) of inputs; U as rows of outputs, `gw` as `w` above.
  void (*weight_gradient)(int64_t inputs, int64_t outputs, int64_t begin, int64_t end,
                          const float* u, int64_t plane, float* gw);
};

}  // namespace espalier::backend
