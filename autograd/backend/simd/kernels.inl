// The vector kernels as plain loops, which the compiler vectorises for the instruction set that the
// including file is compiled for, or with the vectors of `lanes.inl`, whose rules hold here, where
// it does not do that well. They work on flat arrays, or rows of them, of which callers give each
// thread a part; the bound is memory, or the cache where an array fits.

namespace espalier::backend::simd {
namespace {

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
  // Each lane looks at its own bit of a few that are given to all.
  Bits own;
  for (int lane = 0; lane < lanes; ++lane) own[lane] = 1 << lane;
  const auto* bytes = reinterpret_cast<const unsigned char*>(bits);  // x86 and ARM: little-endian
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    uint64_t word = bits[i / 64];
#pragma GCC unroll 16
    for (int64_t j = 0; j < 64; j += lanes, word >>= lanes) {
      const Bits keep = ((Bits{} + static_cast<int32_t>(word)) & own) != 0;
      store_as(out + i + j, load_as<Bits>(x + i + j) & keep);
    }
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

void fake_quantize(int64_t n, const Levels& levels, const float* x, float* y) {
  // As in `round`; whatever is far outside stays far outside, and is limited afterwards.
  constexpr float no_fraction = 0x1p23f;
  const Levels l = levels;
  for (int64_t i = 0; i < n; ++i) {
    const float steps = x[i] / l.scale;
    const float magnitude = __builtin_fabsf(steps);
    const float whole = (magnitude + no_fraction) - no_fraction;
    const float code =
        __builtin_copysignf(magnitude < no_fraction ? whole : magnitude, steps) + l.zero;
    const float raised = code < l.lowest ? l.lowest : code;
    y[i] = ((raised > l.highest ? l.highest : raised) - l.zero) * l.scale;
  }
}

void range(int64_t n, const float* x, float* smallest, float* largest) {
  // Several running results, for each comparison waits for the one before it.
  constexpr int64_t chains = 4;
  Lanes low[chains], high[chains];
  const float infinity = __builtin_inff();
  for (int64_t c = 0; c < chains; ++c) {
    low[c] = Lanes{} + infinity;
    high[c] = Lanes{} - infinity;
  }
  int64_t i = 0;
  for (; i + chains * lanes <= n; i += chains * lanes) {
    for (int64_t c = 0; c < chains; ++c) {
      const Lanes value = load(x + i + c * lanes);
      low[c] = value < low[c] ? value : low[c];
      high[c] = value > high[c] ? value : high[c];
    }
  }
  float least = infinity, most = -infinity;
  for (int64_t c = 0; c < chains; ++c) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      least = low[c][lane] < least ? low[c][lane] : least;
      most = high[c][lane] > most ? high[c][lane] : most;
    }
  }
  for (; i < n; ++i) {
    least = x[i] < least ? x[i] : least;
    most = x[i] > most ? x[i] : most;
  }
  *smallest = least;
  *largest = most;
}

void clamp(int64_t n, float low, float high, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

void clamp_gradient(int64_t n, float low, float high, const float* x, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = ((x[i] >= low) & (x[i] <= high)) ? g[i] : 0.0f;
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

/// Rows become columns.
[[gnu::always_inline]] inline void turn(Four (&rows)[4]) {
  const Four low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5),
             high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Four low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5),
             high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  rows[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  rows[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  rows[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

void transpose_add(int64_t rows, int64_t columns, const float* x, const float* bias, float* y) {
  // Blocks of 4×4 are turned in registers; 16 columns at a time, so that reads use whole cache
  // lines.
  constexpr int64_t tile = 16;
  for (int64_t first = 0; first < columns; first += tile) {
    const int64_t last = smaller(first + tile, columns);
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      const Four offset = bias ? load4(bias + r) : Four{};
      int64_t c = first;
      for (; c + 4 <= last; c += 4) {
        const float* from = x + r * columns + c;
        Four block[4] = {load4(from), load4(from + columns), load4(from + 2 * columns),
                         load4(from + 3 * columns)};
        turn(block);
        float* to = y + c * rows + r;
        for (int64_t i = 0; i < 4; ++i) store4(to + i * rows, block[i] + offset);
      }
      for (; c < last; ++c) {
        for (int64_t i = 0; i < 4; ++i) y[c * rows + r + i] = x[(r + i) * columns + c] + offset[i];
      }
    }
    for (; r < rows; ++r) {
      const float offset = bias ? bias[r] : 0.0f;
      for (int64_t c = first; c < last; ++c) y[c * rows + r] = x[r * columns + c] + offset;
    }
  }
}

/// The part of a window that lies inside the picture.
struct Inside {
  int64_t top, bottom, left, right;
};
Inside inside(const Windows& w, int64_t oy, int64_t ox) {
  const int64_t y = oy * w.stride - w.padding, x = ox * w.stride - w.padding;
  return {larger(y, 0), smaller(y + w.kernel_height, w.height), larger(x, 0),
          smaller(x + w.kernel_width, w.width)};
}

Lanes where(Bits choice, Lanes yes, Lanes no) {
  return choice ? yes : no;
}
/// The larger one, or b if it is NaN.
Lanes larger_or_nan(Lanes a, Lanes b) {
  return where((b > a) | (b != b), b, a);
}

/// 2×2 windows side by side, the usual case: all four values in registers. Channels that do not
/// fill the last vector are covered by one that begins earlier and computes some values twice.
void max_pool_2x2_row(int64_t windows, int64_t channels, const float* upper, const float* lower,
                      float* y) {
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t at = smaller(c, channels - lanes);
      Lanes best = load(upper + at);
      best = larger_or_nan(best, load(upper + channels + at));
      best = larger_or_nan(best, load(lower + at));
      store(y + at, larger_or_nan(best, load(lower + channels + at)));
    }
    upper += 2 * channels;
    lower += 2 * channels;
    y += channels;
  }
}

void max_pool_2x2_row_gradient(int64_t windows, int64_t channels, const float* upper,
                               const float* lower, const float* y, const float* g, float* g_upper,
                               float* g_lower) {
  const Lanes zero = {};
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t at = smaller(c, channels - lanes);
      const Lanes top = load(y + at), gradient = load(g + at);
      const Bits first = load(upper + at) == top;
      Bits taken = first;
      const Bits second = (load(upper + channels + at) == top) & ~taken;
      taken |= second;
      const Bits third = (load(lower + at) == top) & ~taken;
      taken |= third;
      const Bits fourth = (load(lower + channels + at) == top) & ~taken;
      store(g_upper + at, where(first, gradient, zero));
      store(g_upper + channels + at, where(second, gradient, zero));
      store(g_lower + at, where(third, gradient, zero));
      store(g_lower + channels + at, where(fourth, gradient, zero));
    }
    upper += 2 * channels;
    lower += 2 * channels;
    g_upper += 2 * channels;
    g_lower += 2 * channels;
    y += channels;
    g += channels;
  }
}

bool plain_2x2(const Windows& w) {
  return w.kernel_height == 2 && w.kernel_width == 2 && w.stride == 2 && w.padding == 0 &&
         w.height % 2 == 0 && w.width % 2 == 0 && w.channels >= lanes;
}

void max_pool(const Windows& w, int64_t pictures, const float* x, float* y) {
  const int64_t row = w.width * w.channels, channels = w.channels;
  for (int64_t n = 0; n < pictures; ++n, x += w.height * row) {
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      if (plain_2x2(w)) {
        max_pool_2x2_row(w.out_width, channels, x + 2 * oy * row, x + (2 * oy + 1) * row, y);
        y += w.out_width * channels;
        continue;
      }
      for (int64_t ox = 0; ox < w.out_width; ++ox, y += channels) {
        const Inside part = inside(w, oy, ox);
        for (int64_t c = 0; c < channels; ++c) y[c] = -__builtin_inff();
        for (int64_t i = part.top; i < part.bottom; ++i) {
          for (int64_t j = part.left; j < part.right; ++j) {
            const float* value = x + i * row + j * channels;
            for (int64_t c = 0; c < channels; ++c) {
              y[c] = ((value[c] > y[c]) | (value[c] != value[c])) ? value[c] : y[c];
            }
          }
        }
      }
    }
  }
}

void max_pool_gradient(const Windows& w, int64_t pictures, const float* x, const float* y,
                       const float* g, float* gx) {
  const int64_t row = w.width * w.channels, channels = w.channels, in = w.height * row;
  for (int64_t n = 0; n < pictures; ++n, x += in, gx += in) {
    if (plain_2x2(w)) {
      for (int64_t oy = 0; oy < w.out_height; ++oy) {
        max_pool_2x2_row_gradient(w.out_width, channels, x + 2 * oy * row, x + (2 * oy + 1) * row,
                                  y, g, gx + 2 * oy * row, gx + (2 * oy + 1) * row);
        y += w.out_width * channels;
        g += w.out_width * channels;
      }
      continue;
    }
    for (int64_t i = 0; i < in; ++i) gx[i] = 0.0f;
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox, y += channels, g += channels) {
        const Inside part = inside(w, oy, ox);
        constexpr int64_t block = 64;
        for (int64_t first = 0; first < channels; first += block) {
          const int64_t width = smaller(block, channels - first);
          float left[block];  // the gradient, until a value of the window has taken it
          for (int64_t c = 0; c < width; ++c) left[c] = g[first + c];
          for (int64_t i = part.top; i < part.bottom; ++i) {
            for (int64_t j = part.left; j < part.right; ++j) {
              const int64_t at = i * row + j * channels + first;
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

/// to = from. What does not fill the last vector is covered by one that begins earlier.
[[gnu::always_inline]] inline void copy_values(int64_t n, const float* from, float* to) {
  if (n >= lanes) {
    for (int64_t i = 0; i < n - lanes; i += lanes) store(to + i, load(from + i));
    store(to + n - lanes, load(from + n - lanes));
  } else if (n >= 4) {
    for (int64_t i = 0; i < n - 4; i += 4) store4(to + i, load4(from + i));
    store4(to + n - 4, load4(from + n - 4));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

void clear_values(int64_t n, float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = 0.0f;
}

/// to += from.
[[gnu::always_inline]] inline void add_values(int64_t n, const float* from, float* to) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, load(to + i) + load(from + i));
  for (; i + 4 <= n; i += 4) store4(to + i, load4(to + i) + load4(from + i));
  for (; i < n; ++i) to[i] += from[i];
}

/// Calls `shared(picture offset, window offset, values)` for each stretch of neighbours that a row
/// of a window has in the picture, and `outside(window offset, values)` for what lies beyond its
/// border.
template <class Shared, class Outside>
void for_each_stretch(const Windows& w, Shared&& shared, Outside&& outside) {
  const int64_t channels = w.channels;
  int64_t at = 0;                           // in the windows
  if (w.padding == 0 && w.dilation == 1) {  // no borders: every row of a window is one stretch
    const int64_t values = w.kernel_width * channels, row = w.width * channels;
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox) {
        const int64_t corner = (oy * w.width + ox) * w.stride * channels;
        for (int64_t i = 0; i < w.kernel_height; ++i, at += values)
          shared(corner + i * row, at, values);
      }
    }
    return;
  }
  for (int64_t oy = 0; oy < w.out_height; ++oy) {
    for (int64_t ox = 0; ox < w.out_width; ++ox) {
      const int64_t first = ox * w.stride - w.padding;
      for (int64_t i = 0; i < w.kernel_height; ++i, at += w.kernel_width * channels) {
        const int64_t row = oy * w.stride - w.padding + i * w.dilation;
        if (row < 0 || row >= w.height) {
          outside(at, w.kernel_width * channels);
        } else if (w.dilation == 1) {
          const int64_t skip = smaller(larger(-first, 0), w.kernel_width);
          const int64_t stop = larger(smaller(w.width - first, w.kernel_width), skip);
          if (skip > 0) outside(at, skip * channels);
          if (stop > skip)
            shared((row * w.width + first + skip) * channels, at + skip * channels,
                   (stop - skip) * channels);
          if (stop < w.kernel_width)
            outside(at + stop * channels, (w.kernel_width - stop) * channels);
        } else {
          for (int64_t j = 0; j < w.kernel_width; ++j) {
            const int64_t column = first + j * w.dilation;
            if (column < 0 || column >= w.width) {
              outside(at + j * channels, channels);
            } else {
              shared((row * w.width + column) * channels, at + j * channels, channels);
            }
          }
        }
      }
    }
  }
}

int64_t window_values(const Windows& w) {
  return w.out_height * w.out_width * w.kernel_height * w.kernel_width * w.channels;
}

void copy_windows(const Windows& w, int64_t pictures, const float* x, float* windows) {
  for (int64_t n = 0; n < pictures; ++n) {
    for_each_stretch(
        w,
        [=](int64_t from, int64_t to, int64_t values) {
          copy_values(values, x + from, windows + to);
        },
        [=](int64_t to, int64_t values) { clear_values(values, windows + to); });
    x += w.height * w.width * w.channels;
    windows += window_values(w);
  }
}

void copy_window_columns(const Windows& w, int64_t pictures, const float* x, float* columns) {
  for (int64_t i = 0; i < w.kernel_height; ++i) {
    for (int64_t j = 0; j < w.kernel_width; ++j) {
      const int64_t shift =
          j * w.dilation - w.padding;  // from a window's number in its row to the pixel
      const int64_t begin = smaller(larger(-shift, 0), w.out_width);
      const int64_t end = larger(smaller(w.width - shift, w.out_width), begin);
      const float* picture = x;
      for (int64_t n = 0; n < pictures; ++n, picture += w.height * w.width) {
        for (int64_t oy = 0; oy < w.out_height; ++oy, columns += w.out_width) {
          const int64_t row = oy - w.padding + i * w.dilation;
          if (row < 0 || row >= w.height) {
            clear_values(w.out_width, columns);
            continue;
          }
          clear_values(begin, columns);
          copy_values(end - begin, picture + row * w.width + shift + begin, columns + begin);
          clear_values(w.out_width - end, columns + end);
        }
      }
    }
  }
}

void add_windows(const Windows& w, int64_t pictures, const float* windows, float* x) {
  const int64_t picture = w.height * w.width * w.channels;
  clear_values(pictures * picture, x);
  for (int64_t n = 0; n < pictures; ++n) {
    for_each_stretch(
        w,
        [=](int64_t to, int64_t from, int64_t values) {
          add_values(values, windows + from, x + to);
        },
        [](int64_t, int64_t) {});
    x += picture;
    windows += window_values(w);
  }
}

#include "espalier/autograd/backend/simd/depthwise.inl"

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
    .fake_quantize = fake_quantize,
    .range = range,
    .sum = sum,
    .add_to_rows = add_to_rows,
    .column_sums = column_sums,
    .transpose_add = transpose_add,
    .max_pool = max_pool,
    .max_pool_gradient = max_pool_gradient,
    .copy_windows = copy_windows,
    .copy_window_columns = copy_window_columns,
    .add_windows = add_windows,
    .depthwise = depthwise,
    .depthwise_input_gradient = depthwise_input_gradient,
    .depthwise_weight_gradient = depthwise_weight_gradient,
};

}  // namespace
}  // namespace espalier::backend::simd
