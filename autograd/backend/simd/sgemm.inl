// Matrix products. A tile of the result (6×16 with AVX2, 14×32 with AVX-512) stays in registers
// while k passes. Each step loads two vectors of the packed side, which lie one behind the other
// whatever the matrix looked like, and multiplies them by single values of the other side. A packed
// panel, at most 320 steps long, fills half of the first-level cache and is met by all rows before
// the next one is; the rows come from the second level. With 12 multiply-adds to 8 loads the
// multipliers are the bound. Included behind `kernels.inl`, whose rules hold here and whose vectors
// are used.

namespace espalier::backend::simd {
namespace {

// Two vectors wide, and as high as registers allow beside two vectors of lanes and one value.
constexpr int tile_rows = lanes == 16 ? 14 : 6, tile_columns = 2 * lanes;
constexpr int64_t longest_k = PackedKernels::longest_k;

/// See `PackedKernels`: panels of `panel` places.
template <int panel>
void pack_panels(bool along, int64_t width, int64_t k, const float* from, int64_t ld, float* to) {
  for (int64_t first = 0; first < width; first += panel, to += panel * k) {
    const int64_t some = smaller(panel, width - first);
    if (some < panel) clear_values(panel * k, to);
    if (along) {
      const float* row = from + first;
      if (some == panel) {
        for (int64_t p = 0; p < k; ++p, row += ld) __builtin_memcpy(to + p * panel, row, 4 * panel);
      } else {
        for (int64_t p = 0; p < k; ++p, row += ld) {
          for (int64_t i = 0; i < some; ++i) to[p * panel + i] = row[i];
        }
      }
      continue;
    }
    int64_t i = 0;
    for (; i + 4 <= some; i += 4) {
      const float* r0 = from + (first + i) * ld;
      int64_t p = 0;
      for (; p + 4 <= k; p += 4) {
        Four block[4] = {load4(r0 + p), load4(r0 + ld + p), load4(r0 + 2 * ld + p),
                         load4(r0 + 3 * ld + p)};
        turn(block);
        for (int q = 0; q < 4; ++q) store4(to + (p + q) * panel + i, block[q]);
      }
      for (; p < k; ++p) {
        for (int64_t q = 0; q < 4; ++q) to[p * panel + i + q] = r0[q * ld + p];
      }
    }
    for (; i < some; ++i) {
      const float* row = from + (first + i) * ld;
      for (int64_t p = 0; p < k; ++p) to[p * panel + i] = row[p];
    }
  }
}

void pack_rows(int64_t places, int64_t k, const float* from, int64_t ld, float* to) {
  pack_panels<tile_rows>(true, places, k, from, ld, to);
}
void pack_lanes(bool along, int64_t places, int64_t k, const float* from, int64_t ld, float* to) {
  pack_panels<tile_columns>(along, places, k, from, ld, to);
}

/// One tile of the product, in registers until it is done.
struct ProductTile {
  Lanes sums[tile_rows][2];

  /// `ld`: the distance between rows, or 0 for a packed panel of them.
  template <bool packed>
  [[gnu::always_inline]] void multiply(int64_t k, const float* rows, int64_t ld,
                                       const float* panel) {
    for (int r = 0; r < tile_rows; ++r) sums[r][0] = sums[r][1] = Lanes{};
      // Fewer instructions beside the arithmetic count where two threads share a core.
#pragma GCC unroll 4
    for (int64_t p = 0; p < k; ++p, panel += tile_columns) {
      const Lanes left = load(panel), right = load(panel + lanes);
#pragma GCC unroll 14
      for (int r = 0; r < tile_rows; ++r) {
        const float value = packed ? rows[p * tile_rows + r] : rows[r * ld + p];
        sums[r][0] += left * value;
        sums[r][1] += right * value;
      }
    }
  }

  [[gnu::always_inline]] void write(float beta, float* c, int64_t ldc) const {
#pragma GCC unroll 14
    for (int r = 0; r < tile_rows; ++r, c += ldc) {
      store(c, beta == 0.0f ? sums[r][0] : sums[r][0] + beta * load(c));
      store(c + lanes, beta == 0.0f ? sums[r][1] : sums[r][1] + beta * load(c + lanes));
    }
  }
};

/// Adds to C, or sets it: a row of a tile, or a few values of a column.
template <bool adds, class Vector>
[[gnu::always_inline]] inline void write_values(float* c, Vector values, float beta) {
  store_as(c, adds ? values + beta * load_as<Vector>(c) : values);
}

/// A whole tile that lies in memory, into a matrix that has the tile's columns as rows.
template <bool adds>
void write_turned_tile(const float* tile, float beta, float* c, int64_t ldc) {
  static_assert(tile_rows % 4 == 2 && tile_columns % 4 == 0);
  for (int64_t q = 0; q < tile_columns; q += 4, c += 4 * ldc) {
    const float* from = tile + q;
    for (int64_t r = 0; r < tile_rows - 2; r += 4, from += 4 * tile_columns) {
      Four block[4] = {load4(from), load4(from + tile_columns), load4(from + 2 * tile_columns),
                       load4(from + 3 * tile_columns)};
      turn(block);
      for (int i = 0; i < 4; ++i) write_values<adds>(c + i * ldc + r, block[i], beta);
    }
    const Four first = load4(from), second = load4(from + tile_columns);
    for (int i = 0; i < 4; ++i) {
      write_values<adds>(c + i * ldc + tile_rows - 2, Two{first[i], second[i]}, beta);
    }
  }
}

/// The first `rows` rows and `columns` columns of a tile that lies in memory, turned or not.
void write_part(const float* tile, int64_t rows, int64_t columns, float beta, bool turned, float* c,
                int64_t ldc) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t q = 0; q < columns; ++q) {
      float* to = c + (turned ? q * ldc + r : r * ldc + q);
      const float sum = tile[r * tile_columns + q];
      *to = beta == 0.0f ? sum : sum + beta * *to;
    }
  }
}

template <bool packed>
void multiply_blocks(int64_t m, int64_t n, int64_t k, const float* rows, int64_t ld_rows,
                     const float* panels, float beta, bool turned, float* c, int64_t ldc) {
  // The last rows, where they are fewer than a tile has: beyond them there is no memory to read.
  float last_rows[packed ? 1 : tile_rows * longest_k];
  if (!packed && m % tile_rows != 0) {
    pack_panels<tile_rows>(false, m % tile_rows, k, rows + m / tile_rows * tile_rows * ld_rows,
                           ld_rows, last_rows);
  }
  for (int64_t j = 0; j < n; j += tile_columns) {
    const float* panel = panels + j * k;
    const int64_t columns = smaller(tile_columns, n - j);
    for (int64_t i = 0; i < m; i += tile_rows) {
      const int64_t height = smaller(tile_rows, m - i);
      ProductTile tile;
      if (packed) {
        tile.multiply<true>(k, rows + i * k, 0, panel);
      } else if (height == tile_rows) {
        tile.multiply<false>(k, rows + i * ld_rows, ld_rows, panel);
      } else {
        tile.multiply<true>(k, last_rows, 0, panel);
      }
      if (!turned && height == tile_rows && columns == tile_columns) {
        tile.write(beta, c + i * ldc + j, ldc);
        continue;
      }
      float written[tile_rows * tile_columns];
      tile.write(0.0f, written, tile_columns);
      float* to = c + (turned ? j * ldc + i : i * ldc + j);
      if (height < tile_rows || columns < tile_columns) {
        write_part(written, height, columns, beta, turned, to, ldc);
      } else if (beta == 0.0f) {
        write_turned_tile<false>(written, beta, to, ldc);
      } else {
        write_turned_tile<true>(written, beta, to, ldc);
      }
    }
  }
}

void multiply_packed(int64_t m, int64_t n, int64_t k, const float* rows, int64_t ld_rows,
                     const float* panels, float beta, bool turned, float* c, int64_t ldc) {
  if (ld_rows == 0) {
    multiply_blocks<true>(m, n, k, rows, 0, panels, beta, turned, c, ldc);
  } else {
    multiply_blocks<false>(m, n, k, rows, ld_rows, panels, beta, turned, c, ldc);
  }
}

// Enough chains to hide the latency of one step, and few enough for the registers.
constexpr int peak_chains = lanes == 16 ? 24 : 12;

float multiply_adds(int64_t rounds) {
  Lanes sums[peak_chains];
  Lanes factor = Lanes{} + 0.999f;
  // No two alike, or one would be computed for both.
  for (int i = 0; i < peak_chains; ++i) sums[i] = Lanes{} + static_cast<float>(i);
  for (int64_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+x"(factor));  // the rounds must not be contracted
#pragma GCC unroll 24
    for (int i = 0; i < peak_chains; ++i) sums[i] = sums[i] * factor + factor;
  }
  Lanes all = sums[0];
  for (int i = 1; i < peak_chains; ++i) all += sums[i];
  return all[0];
}

constexpr PackedKernels packed_table = {
    .tile_rows = tile_rows,
    .tile_columns = tile_columns,
    // Measured on AMD's Zen 3 and 4; the baseline has no fused multiplication and addition.
    .operations_per_nanosecond = lanes == 4 ? 15.5 : 94,
    .pack_rows = pack_rows,
    .pack_lanes = pack_lanes,
    .multiply = multiply_packed,
    .multiply_adds = multiply_adds,
    .operations_per_round = 2 * lanes * peak_chains,
};

}  // namespace
}  // namespace espalier::backend::simd
