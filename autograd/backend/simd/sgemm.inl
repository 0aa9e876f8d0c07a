// Matrix products of packed panels. A tile of the result stays in registers while k passes; what it
// reads then lies one behind the other, whatever the matrices looked like. Included behind
// `kernels.inl`, whose rules hold here and whose vectors are used.

namespace espalier::backend::simd {
namespace {

// Two vectors wide, and as high as registers allow beside two vectors of B and one value of A.
constexpr int tile_rows = lanes == 16 ? 14 : 6, tile_columns = 2 * lanes;

/// See `PackedKernels::pack_a`: panels of `panel` neighbours, the last one filled up with zeros.
/// `along`: neighbours in a panel are neighbours in memory.
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

void pack_a(bool transposed, int64_t m, int64_t k, const float* a, int64_t lda, float* packed) {
  pack_panels<tile_rows>(transposed, m, k, a, lda, packed);
}
void pack_b(bool transposed, int64_t n, int64_t k, const float* b, int64_t ldb, float* packed) {
  pack_panels<tile_columns>(!transposed, n, k, b, ldb, packed);
}

/// c = a·b + beta·c for one panel of each.
[[gnu::always_inline]] inline void multiply_tile(int64_t k, const float* a, const float* b,
                                                 float beta, float* c, int64_t ldc) {
  Lanes sums[tile_rows][2] = {};
  for (int64_t p = 0; p < k; ++p, a += tile_rows, b += tile_columns) {
    const Lanes left = load(b), right = load(b + lanes);
#pragma GCC unroll 14
    for (int r = 0; r < tile_rows; ++r) {
      sums[r][0] += left * a[r];
      sums[r][1] += right * a[r];
    }
  }
  if (beta == 0.0f) {
#pragma GCC unroll 14
    for (int r = 0; r < tile_rows; ++r, c += ldc) {
      store(c, sums[r][0]);
      store(c + lanes, sums[r][1]);
    }
  } else {
#pragma GCC unroll 14
    for (int r = 0; r < tile_rows; ++r, c += ldc) {
      store(c, sums[r][0] + beta * load(c));
      store(c + lanes, sums[r][1] + beta * load(c + lanes));
    }
  }
}

void multiply_packed(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float beta,
                     float* c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += tile_columns) {
    const float* panel = b + j * k;
    for (int64_t i = 0; i < m; i += tile_rows) {
      float* to = c + i * ldc + j;
      if (i + tile_rows <= m && j + tile_columns <= n) {
        multiply_tile(k, a + i * k, panel, beta, to, ldc);
        continue;
      }
      // Beyond the border there is no memory of C.
      float tile[tile_rows * tile_columns];
      multiply_tile(k, a + i * k, panel, 0.0f, tile, tile_columns);
      for (int64_t r = 0; r < smaller(tile_rows, m - i); ++r) {
        for (int64_t q = 0; q < smaller(tile_columns, n - j); ++q) {
          const float sum = tile[r * tile_columns + q];
          to[r * ldc + q] = beta == 0.0f ? sum : sum + beta * to[r * ldc + q];
        }
      }
    }
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
    .pack_a = pack_a,
    .pack_b = pack_b,
    .multiply = multiply_packed,
    .multiply_adds = multiply_adds,
    .operations_per_round = 2 * lanes * peak_chains,
};

}  // namespace
}  // namespace espalier::backend::simd
