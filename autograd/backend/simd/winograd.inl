// Winograd's F(4×4, 3×3). A direct convolution multiplies 144 times for 16 results of a channel,
// this 36 times; what it costs instead are the transforms, additions over all channels at once.
// Products are bound by multiplications where there are 32 channels or more, transforms by the
// first-level cache. Included behind `kernels.inl`.

namespace espalier::backend::simd {
namespace {

constexpr int points = 6;  // of a side; a tile has 36

int64_t whole_vectors(int64_t channels) {
  return (channels + lanes - 1) / lanes * lanes;
}

/// The first `some` lanes; the others are 0 or stay as they were.
[[gnu::always_inline]] inline Lanes load_some(const float* from, int64_t some) {
  if (some == lanes) return load(from);
  Lanes value = {};
  for (int64_t i = 0; i < some; ++i) value[i] = from[i];
  return value;
}
[[gnu::always_inline]] inline void store_some(float* to, Lanes value, int64_t some) {
  if (some == lanes) return store(to, value);
  for (int64_t i = 0; i < some; ++i) to[i] = value[i];
}

// The transforms evaluate polynomials at 0, ±a, ±b and infinity. With the usual ±1 and ±2 rounding
// errors are more than twice as large; these points are oneDNN's, with squares and cubes that
// floats hold exactly. With M(x) = x·(x² − a²)·(x² − b²), Bᵀ has the coefficients of M(x)/(x − p)
// as rows, A the powers of p, and G those powers divided by M′(p).
constexpr float a1 = 0.625f, a2 = a1 * a1, a3 = a2 * a1;
constexpr float b1 = 1.5f, b2 = b1 * b1, b3 = b2 * b1;
constexpr float squares = a2 + b2, product = a2 * b2;
constexpr float share_0 = 1 / product, share_a = 1 / (2 * a2 * (a2 - b2)),
                share_b = 1 / (2 * b2 * (b2 - a2));

// In one dimension, from values `step` apart to values `to_step` apart.

[[gnu::always_inline]] inline void input_line(const Lanes* d, int step, Lanes* v, int to_step) {
  const Lanes d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const Lanes even_a = d4 - b2 * d2, odd_a = a1 * (d3 - b2 * d1);
  const Lanes even_b = d4 - a2 * d2, odd_b = b1 * (d3 - a2 * d1);
  v[0] = d4 + (product * d[0] - squares * d2);
  v[to_step] = even_a + odd_a;
  v[2 * to_step] = even_a - odd_a;
  v[3 * to_step] = even_b + odd_b;
  v[4 * to_step] = even_b - odd_b;
  v[5 * to_step] = d[5 * step] + (product * d1 - squares * d3);
}

[[gnu::always_inline]] inline void output_line(const Lanes* m, int step, Lanes* y, int to_step) {
  const Lanes m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
  const Lanes even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  y[0] = m[0] + even_a + even_b;
  y[to_step] = a1 * odd_a + b1 * odd_b;
  y[2 * to_step] = a2 * even_a + b2 * even_b;
  y[3 * to_step] = a3 * odd_a + b3 * odd_b + m[5 * step];
}

/// The transpose of `output_line`.
[[gnu::always_inline]] inline void output_gradient_line(const Lanes* g, int step, Lanes* m,
                                                        int to_step) {
  const Lanes g0 = g[0], g1 = g[step], g2 = g[2 * step], g3 = g[3 * step];
  const Lanes even_a = g0 + a2 * g2, odd_a = a1 * g1 + a3 * g3;
  const Lanes even_b = g0 + b2 * g2, odd_b = b1 * g1 + b3 * g3;
  m[0] = g0;
  m[to_step] = even_a + odd_a;
  m[2 * to_step] = even_a - odd_a;
  m[3 * to_step] = even_b + odd_b;
  m[4 * to_step] = even_b - odd_b;
  m[5 * to_step] = g3;
}

[[gnu::always_inline]] inline void weight_line(const Lanes* g, int step, Lanes* u, int to_step) {
  const Lanes g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const Lanes even_a = share_a * g0 + (share_a * a2) * g2, odd_a = (share_a * a1) * g1;
  const Lanes even_b = share_b * g0 + (share_b * b2) * g2, odd_b = (share_b * b1) * g1;
  u[0] = share_0 * g0;
  u[to_step] = even_a + odd_a;
  u[2 * to_step] = even_a - odd_a;
  u[3 * to_step] = even_b + odd_b;
  u[4 * to_step] = even_b - odd_b;
  u[5 * to_step] = g2;
}

/// The transpose of `weight_line`.
[[gnu::always_inline]] inline void weight_gradient_line(const Lanes* u, int step, Lanes* g,
                                                        int to_step) {
  const Lanes u1 = u[step], u2 = u[2 * step], u3 = u[3 * step], u4 = u[4 * step];
  const Lanes even_a = u1 + u2, even_b = u3 + u4;
  g[0] = share_0 * u[0] + share_a * even_a + share_b * even_b;
  g[to_step] = (share_a * a1) * (u1 - u2) + (share_b * b1) * (u3 - u4);
  g[2 * to_step] = (share_a * a2) * even_a + (share_b * b2) * even_b + u[5 * step];
}

/// Where a tile lies.
struct Tile {
  int64_t picture, row, column;  // of tiles
};
[[gnu::always_inline]] inline Tile tile_at(const WinogradTiles& tiles, int64_t number) {
  const int64_t columns = tiles.columns(), of_picture = tiles.rows() * columns;
  const int64_t within = number % of_picture;
  return {number / of_picture, within / columns, within % columns};
}

/// A vector's place in the panels of a plane with `rows` rows and `width` columns in all.
[[gnu::always_inline]] inline int64_t in_panels(int64_t row, int64_t column, int64_t rows,
                                                int64_t width) {
  const int64_t panel = column / (2 * lanes) * (2 * lanes);
  const int64_t panel_width = smaller(2 * lanes, width - panel);
  return panel * rows + row * panel_width + (column - panel);
}

void winograd_weights(bool flip, int64_t inputs, int64_t outputs, int64_t begin, int64_t end,
                      const float* w, int64_t plane, float* u) {
  const int64_t width = whole_vectors(outputs);
  for (int64_t c = begin; c < end; ++c) {
    for (int64_t k = 0; k < width; k += lanes) {
      const int64_t some = smaller(lanes, outputs - k);
      Lanes g[9], half[3 * points], all[points * points];
      for (int i = 0; i < 9; ++i)
        g[flip ? 8 - i : i] = load_some(w + (i * inputs + c) * outputs + k, some);
      for (int i = 0; i < 3; ++i) weight_line(g + i, 3, half + i, 3);
      for (int i = 0; i < points; ++i) weight_line(half + 3 * i, 1, all + points * i, 1);
      float* to = u + in_panels(c, k, inputs, width);
      for (int p = 0; p < points * points; ++p) store(to + p * plane, all[p]);
    }
  }
}

/// The rows or columns [begin, end) of a tile that lie inside a picture.
struct Span {
  int64_t begin, end;
};
[[gnu::always_inline]] inline Span inside(int64_t first, int64_t size, int64_t extent) {
  return {larger(0, -first), smaller(size, extent - first)};
}

/// `size`×`size` pixels, zeros outside the picture.
template <int size>
[[gnu::always_inline]] inline void load_tile(Span rows, Span columns, int64_t row_step,
                                             int64_t column_step, const float* corner, int64_t some,
                                             Lanes* tile) {
  if (some == lanes && rows.begin == 0 && columns.begin == 0 && rows.end == size &&
      columns.end == size) {
#pragma GCC unroll 6
    for (int i = 0; i < size; ++i) {
#pragma GCC unroll 6
      for (int j = 0; j < size; ++j)
        tile[size * i + j] = load(corner + i * row_step + j * column_step);
    }
    return;
  }
  for (int i = 0; i < size * size; ++i) tile[i] = Lanes{};
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const float* row = corner + i * row_step;
    if (some == lanes) {
      for (int64_t j = columns.begin; j < columns.end; ++j)
        tile[size * i + j] = load(row + j * column_step);
    } else {
      for (int64_t j = columns.begin; j < columns.end; ++j)
        tile[size * i + j] = load_some(row + j * column_step, some);
    }
  }
}

void winograd_input(const WinogradTiles& tiles, int64_t channels, int64_t first, int64_t count,
                    const float* x, int64_t plane, float* v) {
  const int64_t width = whole_vectors(channels), row_step = tiles.width * channels;
  for (int64_t t = 0; t < count; ++t) {
    const Tile at = tile_at(tiles, first + t);
    const int64_t top = 4 * at.row - tiles.padding, left = 4 * at.column - tiles.padding;
    const Span rows = inside(top, points, tiles.height),
               columns = inside(left, points, tiles.width);
    const float* corner = x + ((at.picture * tiles.height + top) * tiles.width + left) * channels;
    for (int64_t c = 0; c < channels; c += lanes) {
      Lanes d[points * points], half[points * points];
      load_tile<points>(rows, columns, row_step, channels, corner + c, smaller(lanes, channels - c),
                        d);
#pragma GCC unroll 6
      for (int j = 0; j < points; ++j) input_line(d + j, points, half + j, points);
      float* to = v + t * width + c;
#pragma GCC unroll 6
      for (int i = 0; i < points; ++i, to += points * plane) {
        Lanes line[points];
        input_line(half + points * i, 1, line, 1);
#pragma GCC unroll 6
        for (int j = 0; j < points; ++j) store(to + j * plane, line[j]);
      }
    }
  }
}

void winograd_output_gradient(const WinogradTiles& tiles, int64_t channels, int64_t first,
                              int64_t count, const float* gy, int64_t plane, float* m) {
  const int64_t width = whole_vectors(channels), row_step = tiles.out_width * channels;
  for (int64_t t = 0; t < count; ++t) {
    const Tile at = tile_at(tiles, first + t);
    const int64_t top = 4 * at.row, left = 4 * at.column;
    const Span rows = inside(top, 4, tiles.out_height), columns = inside(left, 4, tiles.out_width);
    const float* corner =
        gy + ((at.picture * tiles.out_height + top) * tiles.out_width + left) * channels;
    for (int64_t c = 0; c < channels; c += lanes) {
      Lanes g[16], half[4 * points];
      load_tile<4>(rows, columns, row_step, channels, corner + c, smaller(lanes, channels - c), g);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) output_gradient_line(g + j, 4, half + j, 4);
      float* to = m + in_panels(t, c, count, width);
#pragma GCC unroll 6
      for (int i = 0; i < points; ++i, to += points * plane) {
        Lanes line[points];
        output_gradient_line(half + 4 * i, 1, line, 1);
#pragma GCC unroll 6
        for (int j = 0; j < points; ++j) store(to + j * plane, line[j]);
      }
    }
  }
}

/// `high` rows and `wide` vectors of C.
template <bool transposed, int high, int wide>
void winograd_tile(bool add, int64_t k, const float* a, int64_t lda, const float* b, float* c,
                   int64_t ldc) {
  Lanes sums[high][wide] = {};
  for (int64_t p = 0; p < k; ++p, b += wide * lanes) {
    Lanes right[wide];
#pragma GCC unroll 2
    for (int v = 0; v < wide; ++v) right[v] = load(b + v * lanes);
#pragma GCC unroll 28
    for (int r = 0; r < high; ++r) {
      const float left = transposed ? a[p * lda + r] : a[r * lda + p];
#pragma GCC unroll 2
      for (int v = 0; v < wide; ++v) sums[r][v] += left * right[v];
    }
  }
#pragma GCC unroll 28
  for (int r = 0; r < high; ++r, c += ldc) {
#pragma GCC unroll 2
    for (int v = 0; v < wide; ++v) {
      store(c + v * lanes, add ? load(c + v * lanes) + sums[r][v] : sums[r][v]);
    }
  }
}

/// All rows of one panel: as high as registers allow, the last ones halved until they fit.
template <bool transposed, int high, int wide>
void winograd_panel(bool add, int64_t m, int64_t k, const float* a, int64_t lda, const float* b,
                    float* c, int64_t ldc) {
  for (; m >= high; m -= high) {
    winograd_tile<transposed, high, wide>(add, k, a, lda, b, c, ldc);
    a += transposed ? high : high * lda;
    c += high * ldc;
  }
  if constexpr (high > 1) {
    if (m > 0) winograd_panel<transposed, (high + 1) / 2, wide>(add, m, k, a, lda, b, c, ldc);
  }
}

template <bool transposed>
void winograd_product(bool add, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                      const float* b, float* c) {
  constexpr int registers = lanes == 16 ? 28 : 12;  // for sums, beside the vectors of B
  int64_t j = 0;
  for (; j + 2 * lanes <= n; j += 2 * lanes)
    winograd_panel<transposed, registers / 2, 2>(add, m, k, a, lda, b + j * k, c + j, n);
  if (j < n) winograd_panel<transposed, registers, 1>(add, m, k, a, lda, b + j * k, c + j, n);
}

void winograd_multiply(bool transposed, bool add, int64_t m, int64_t n, int64_t k, const float* a,
                       int64_t lda, const float* b, float* c) {
  (transposed ? winograd_product<true> : winograd_product<false>)(add, m, n, k, a, lda, b, c);
}

void winograd_output(const WinogradTiles& tiles, int64_t channels, int64_t first, int64_t count,
                     const float* m, int64_t plane, const float* bias, float* y) {
  const int64_t width = whole_vectors(channels), row_step = tiles.out_width * channels;
  for (int64_t t = 0; t < count; ++t) {
    const Tile at = tile_at(tiles, first + t);
    const int64_t top = 4 * at.row, left = 4 * at.column;
    const int64_t rows = smaller(4, tiles.out_height - top),
                  columns = smaller(4, tiles.out_width - left);
    float* corner = y + ((at.picture * tiles.out_height + top) * tiles.out_width + left) * channels;
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t some = smaller(lanes, channels - c);
      const float* from = m + t * width + c;
      Lanes half[4 * points], result[16];
#pragma GCC unroll 6
      for (int i = 0; i < points; ++i, from += points * plane) {
        Lanes line[points];
#pragma GCC unroll 6
        for (int j = 0; j < points; ++j) line[j] = load(from + j * plane);
        output_line(line, 1, half + 4 * i, 1);
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) output_line(half + j, 4, result + j, 4);
      const Lanes offset = bias ? load_some(bias + c, some) : Lanes{};
      float* to = corner + c;
      if (some == lanes && rows == 4 && columns == 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
          for (int j = 0; j < 4; ++j)
            store(to + i * row_step + j * channels, result[4 * i + j] + offset);
        }
        continue;
      }
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j)
          store_some(to + i * row_step + j * channels, result[4 * i + j] + offset, some);
      }
    }
  }
}

void winograd_weight_gradient(int64_t inputs, int64_t outputs, int64_t begin, int64_t end,
                              const float* u, int64_t plane, float* gw) {
  const int64_t width = whole_vectors(outputs);
  for (int64_t c = begin; c < end; ++c) {
    for (int64_t k = 0; k < outputs; k += lanes) {
      const int64_t some = smaller(lanes, outputs - k);
      const float* from = u + c * width + k;
      Lanes half[3 * points];
      for (int i = 0; i < points; ++i, from += points * plane) {
        Lanes line[points];
        for (int j = 0; j < points; ++j) line[j] = load(from + j * plane);
        weight_gradient_line(line, 1, half + 3 * i, 1);
      }
      for (int j = 0; j < 3; ++j) {
        Lanes line[3];
        weight_gradient_line(half + j, 3, line, 1);
        for (int i = 0; i < 3; ++i)
          store_some(gw + ((3 * i + j) * inputs + c) * outputs + k, line[i], some);
      }
    }
  }
}

constexpr WinogradKernels winograd_table = {
    .lanes = lanes,
    .weights = winograd_weights,
    .input = winograd_input,
    .output_gradient = winograd_output_gradient,
    .multiply = winograd_multiply,
    .output = winograd_output,
    .weight_gradient = winograd_weight_gradient,
};

}  // namespace
}  // namespace espalier::backend::simd
