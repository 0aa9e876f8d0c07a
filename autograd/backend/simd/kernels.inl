// The vector kernels as plain loops, which the compiler vectorises for the instruction set that the
// including file is compiled for. Everything here has internal linkage and uses no function of the
// standard library that could be shared with other files: a shared inline function might be kept in
// the copy compiled for AVX-512 and called on a machine that has none.

#include <cstddef>
#include <cstdint>

namespace espalier::backend::simd {
namespace {

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

void add(int64_t n, const float* a, const float* b, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

void multiply(int64_t n, const float* a, const float* b, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

void scale(int64_t n, float factor, const float* x, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = factor * x[i];
}

void relu(int64_t n, const float* x, float* y) {
  // Written so that NaN stays NaN: a broken network must not look healthy.
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void relu_gradient(int64_t n, const float* y, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = y[i] > 0.0f ? g[i] : 0.0f;
}

void mask(int64_t n, const float* x, const uint64_t* bits, float* out) {
  // Eight lanes at a time, each lane's bit moved to its place by a table of shifts.
  static constexpr uint32_t lane_bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  const auto* bytes = reinterpret_cast<const unsigned char*>(bits);  // x86 and ARM: little-endian
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const uint32_t byte = bytes[i / 8];
    for (int lane = 0; lane < 8; ++lane) out[i + lane] = byte & lane_bit[lane] ? x[i + lane] : 0.0f;
  }
  for (; i < n; ++i) out[i] = bytes[i / 8] >> (i % 8) & 1 ? x[i] : 0.0f;
}

void round(int64_t n, const float* x, float* y) {
  // A float from 2²³ on has no bits for a fraction, so adding and taking away 2²³ rounds what is
  // below it, with the processor's rule: ties to even.
  constexpr float no_fraction = 0x1p23f;
  for (int64_t i = 0; i < n; ++i) {
    const float magnitude = __builtin_fabsf(x[i]);
    const float rounded = (magnitude + no_fraction) - no_fraction;
    y[i] = __builtin_copysignf(magnitude < no_fraction ? rounded : magnitude, x[i]);
  }
}

void clamp(int64_t n, float low, float high, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

void clamp_gradient(int64_t n, float low, float high, const float* x, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = (x[i] >= low) & (x[i] <= high) ? g[i] : 0.0f;
}

double sum(int64_t n, const float* x) {
  double partial[16] = {};  // independent chains, so that additions overlap
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) partial[lane] += double{x[i + lane]};
  }
  double total = 0;
  for (; i < n; ++i) total += double{x[i]};
  for (double lane : partial) total += lane;
  return total;
}

void add_to_rows(int64_t rows, int64_t columns, const float* bias, float* y) {
  for (int64_t r = 0; r < rows; ++r, y += columns) {
    for (int64_t c = 0; c < columns; ++c) y[c] += bias[c];
  }
}

void column_sums(int64_t rows, int64_t columns, const float* x, float* out) {
  // 64 columns at a time stay in registers while all rows pass.
  constexpr int block = 64;
  for (int64_t first = 0; first < columns; first += block) {
    const int64_t width = smaller(block, columns - first);
    float totals[block] = {};
    const float* row = x + first;
    if (width == block) {
      for (int64_t r = 0; r < rows; ++r, row += columns) {
        for (int c = 0; c < block; ++c) totals[c] += row[c];
      }
    } else {
      for (int64_t r = 0; r < rows; ++r, row += columns) {
        for (int64_t c = 0; c < width; ++c) totals[c] += row[c];
      }
    }
    for (int64_t c = 0; c < width; ++c) out[first + c] = totals[c];
  }
}

void transpose_add(int64_t rows, int64_t columns, const float* x, const float* bias, float* y) {
  // Tiles of 16 columns: reads are one cache line a row, writes run along y's rows.
  constexpr int64_t tile = 16;
  for (int64_t first = 0; first < columns; first += tile) {
    const int64_t last = smaller(first + tile, columns);
    for (int64_t r = 0; r < rows; ++r) {
      const float* from = x + r * columns;
      const float offset = bias ? bias[r] : 0.0f;
      for (int64_t c = first; c < last; ++c) y[c * rows + r] = from[c] + offset;
    }
  }
}

/// The part of a window that lies inside the picture, and its first pixel.
struct Window {
  int64_t top, bottom, left, right;
};
Window window_of(const MaxPool2d& p, int64_t oy, int64_t ox) {
  const int64_t y = oy * p.stride - p.padding, x = ox * p.stride - p.padding;
  return {larger(y, 0), smaller(y + p.kernel, p.height), larger(x, 0), smaller(x + p.kernel, p.width)};
}

/// 2×2 windows side by side, the usual case: one pass, all four values in registers.
void max_pool_2x2_row(int64_t windows, int64_t channels, const float* upper, const float* lower, float* y) {
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t c = 0; c < channels; ++c) {
      float best = upper[c];
      const float b = upper[channels + c], l = lower[c], d = lower[channels + c];
      best = (b > best) | (b != b) ? b : best;
      best = (l > best) | (l != l) ? l : best;
      y[c] = (d > best) | (d != d) ? d : best;
    }
    upper += 2 * channels;
    lower += 2 * channels;
    y += channels;
  }
}

void max_pool_2x2_row_gradient(int64_t windows, int64_t channels, const float* upper, const float* lower,
                               const float* y, const float* g, float* g_upper, float* g_lower) {
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t c = 0; c < channels; ++c) {
      const float top = y[c], gradient = g[c];
      const bool a = upper[c] == top;
      const bool b = (upper[channels + c] == top) & !a;
      const bool l = (lower[c] == top) & !(a | b);
      const bool d = (lower[channels + c] == top) & !(a | b | l);
      g_upper[c] = a ? gradient : 0.0f;
      g_upper[channels + c] = b ? gradient : 0.0f;
      g_lower[c] = l ? gradient : 0.0f;
      g_lower[channels + c] = d ? gradient : 0.0f;
    }
    upper += 2 * channels;
    lower += 2 * channels;
    g_upper += 2 * channels;
    g_lower += 2 * channels;
    y += channels;
    g += channels;
  }
}

bool is_plain_2x2(const MaxPool2d& p) {
  return p.kernel == 2 && p.stride == 2 && p.padding == 0 && p.height % 2 == 0 && p.width % 2 == 0;
}

void max_pool(const MaxPool2d& p, int64_t begin, int64_t end, const float* x, float* y) {
  const int64_t row = p.width * p.channels, c_count = p.channels;
  x += begin * p.height * row;
  y += begin * p.out_height() * p.out_width() * c_count;
  for (int64_t n = begin; n < end; ++n, x += p.height * row) {
    for (int64_t oy = 0; oy < p.out_height(); ++oy) {
      if (is_plain_2x2(p)) {
        max_pool_2x2_row(p.out_width(), c_count, x + 2 * oy * row, x + (2 * oy + 1) * row, y);
        y += p.out_width() * c_count;
        continue;
      }
      for (int64_t ox = 0; ox < p.out_width(); ++ox, y += c_count) {
        const Window w = window_of(p, oy, ox);
        for (int64_t c = 0; c < c_count; ++c) y[c] = -__builtin_inff();
        for (int64_t i = w.top; i < w.bottom; ++i) {
          for (int64_t j = w.left; j < w.right; ++j) {
            const float* value = x + i * row + j * c_count;
            for (int64_t c = 0; c < c_count; ++c) {
              y[c] = (value[c] > y[c]) | (value[c] != value[c]) ? value[c] : y[c];
            }
          }
        }
      }
    }
  }
}

void max_pool_gradient(const MaxPool2d& p, int64_t begin, int64_t end, const float* x, const float* y,
                       const float* g, float* gx) {
  const int64_t row = p.width * p.channels, c_count = p.channels;
  const int64_t in = p.height * row, out = p.out_height() * p.out_width() * c_count;
  x += begin * in;
  gx += begin * in;
  y += begin * out;
  g += begin * out;
  for (int64_t n = begin; n < end; ++n, x += in, gx += in) {
    if (is_plain_2x2(p)) {
      for (int64_t oy = 0; oy < p.out_height(); ++oy) {
        max_pool_2x2_row_gradient(p.out_width(), c_count, x + 2 * oy * row, x + (2 * oy + 1) * row, y, g,
                                  gx + 2 * oy * row, gx + (2 * oy + 1) * row);
        y += p.out_width() * c_count;
        g += p.out_width() * c_count;
      }
      continue;
    }
    for (int64_t i = 0; i < in; ++i) gx[i] = 0.0f;
    for (int64_t oy = 0; oy < p.out_height(); ++oy) {
      for (int64_t ox = 0; ox < p.out_width(); ++ox, y += c_count, g += c_count) {
        const Window w = window_of(p, oy, ox);
        constexpr int64_t block = 64;
        for (int64_t first = 0; first < c_count; first += block) {
          const int64_t width = smaller(block, c_count - first);
          float left[block];  // the gradient, until a value of the window has taken it
          for (int64_t c = 0; c < width; ++c) left[c] = g[first + c];
          for (int64_t i = w.top; i < w.bottom; ++i) {
            for (int64_t j = w.left; j < w.right; ++j) {
              const int64_t at = i * row + j * c_count + first;
              for (int64_t c = 0; c < width; ++c) {
                const bool takes = x[at + c] == y[first + c];
                gx[at + c] += takes ? left[c] : 0.0f;
                left[c] = takes ? 0.0f : left[c];
              }
            }
          }
        }
      }
    }
  }
}

void sgd(int64_t n, const SgdUpdate& u, const float* g, float* v, float* w) {
  if (!v) {
    for (int64_t i = 0; i < n; ++i) w[i] -= u.learning_rate * (g[i] + u.weight_decay * w[i]);
  } else if (u.nesterov) {
    for (int64_t i = 0; i < n; ++i) {
      const float d = g[i] + u.weight_decay * w[i];
      v[i] = u.momentum * v[i] + d;
      w[i] -= u.learning_rate * (d + u.momentum * v[i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      v[i] = u.momentum * v[i] + (g[i] + u.weight_decay * w[i]);
      w[i] -= u.learning_rate * v[i];
    }
  }
}

void adam(int64_t n, const AdamUpdate& u, const float* g, float* m, float* v, float* w) {
  for (int64_t i = 0; i < n; ++i) {
    const float d = g[i] + u.weight_decay * w[i];
    m[i] = u.beta1 * m[i] + (1.0f - u.beta1) * d;
    v[i] = u.beta2 * v[i] + (1.0f - u.beta2) * d * d;
    const float mean = m[i] / u.correction1;
    const float deviation = __builtin_sqrtf(v[i] / u.correction2);
    w[i] -= u.learning_rate * mean / (deviation + u.epsilon);
  }
}

constexpr VectorKernels table = {
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .relu = relu,
    .relu_gradient = relu_gradient,
    .mask = mask,
    .round = round,
    .clamp = clamp,
    .clamp_gradient = clamp_gradient,
    .sum = sum,
    .add_to_rows = add_to_rows,
    .column_sums = column_sums,
    .transpose_add = transpose_add,
    .max_pool = max_pool,
    .max_pool_gradient = max_pool_gradient,
    .sgd = sgd,
    .adam = adam,
};

}  // namespace
}  // namespace espalier::backend::simd
