// Depthwise convolution: every channel has a kernel of its own, so neighbouring channels fill a
// vector. Four neighbouring results are summed in registers together, so that a value of x which
// several of them see, and a weight, are loaded once for all; rows of x come back from the
// second-level cache for each kernel row. The bound is loads: about one for two multiply-adds of a
// 3×3 kernel. Included by `kernels.inl`, whose rules hold here.

typedef float One __attribute__((vector_size(4)));

/// Calls `body(vector type's value, first channel)` for all channels: as many as possible in full
/// vectors, then four by four, then one by one.
template <class Body>
[[gnu::always_inline]] inline void for_each_channels(int64_t channels, Body&& body) {
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(Lanes{}, c);
  for (; c + 4 <= channels; c += 4) body(Four{}, c);
  for (; c < channels; ++c) body(One{}, c);
}

/// The indices below `count` for which index·step + shift lies in [0, extent).
struct Range {
  int64_t begin, end;
};
Range range_inside(int64_t count, int64_t step, int64_t shift, int64_t extent) {
  const int64_t begin = smaller(shift < 0 ? (-shift + step - 1) / step : 0, count);
  const int64_t end = shift < extent ? (extent - 1 - shift) / step + 1 : 0;
  return {begin, larger(smaller(end, count), begin)};
}

/// A row of results: the kernel rows that meet the picture, and where the kernel's corner lies in x
/// for its first result (may be outside).
struct ResultRow {
  Range kernel_rows;
  int64_t corner;
};
ResultRow result_row(const Windows& s, int64_t number) {
  const int64_t picture = number / s.out_height;
  const int64_t top = number % s.out_height * s.stride - s.padding;
  return {range_inside(s.kernel_height, s.dilation, top, s.height),
          ((picture * s.height + top) * s.width - s.padding) * s.channels};
}

/// `count` neighbouring results of one vector of channels, which all see the kernel columns
/// `columns`. The product of the kernel's corner and the first result is with x[corner].
template <class Vector, int count>
[[gnu::always_inline]] inline void depthwise_results(const Windows& s, Range rows, Range columns,
                                                     const float* x, int64_t corner, const float* w,
                                                     Vector start, float* y) {
  Vector sums[count];
  for (int k = 0; k < count; ++k) sums[k] = start;
  const int64_t down = s.dilation * s.width * s.channels, right = s.dilation * s.channels;
  const int64_t next = s.stride * s.channels;
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const float* weight = w + (i * s.kernel_width + columns.begin) * s.channels;
    const float* from = x + (corner + i * down + columns.begin * right);
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      // Every weight, once loaded, serves all results.
      const Vector factor = load_as<Vector>(weight);
      for (int k = 0; k < count; ++k) sums[k] += load_as<Vector>(from + k * next) * factor;
      weight += s.channels;
      from += right;
    }
  }
  for (int k = 0; k < count; ++k) store_as(y + k * s.channels, sums[k]);
}

/// The same for kernel rows of `columns` weights without dilation: sizes that the compiler knows,
/// so that values of x which several results see are loaded once. Of the values that these results
/// see in a row of x, those in `inside` exist; the others lie beyond the border.
template <int columns, int stride, class Vector, int count>
[[gnu::always_inline]] inline void depthwise_known(const Windows& s, Range rows, Range inside,
                                                   const float* x, int64_t corner, const float* w,
                                                   Vector start, float* y) {
  constexpr int seen = (count - 1) * stride + columns;
  const bool whole = inside.begin == 0 && inside.end == seen;
  Vector sums[count];
  for (int k = 0; k < count; ++k) sums[k] = start;
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    Vector factors[columns];
    for (int j = 0; j < columns; ++j) {
      factors[j] = load_as<Vector>(w + (i * columns + j) * s.channels);
    }
    const int64_t from = corner + i * s.width * s.channels;
    const auto add = [&](int at) {
      const Vector value = load_as<Vector>(x + (from + at * s.channels));
      for (int k = 0; k < count; ++k) {
        const int j = at - k * stride;
        if (j >= 0 && j < columns) sums[k] += value * factors[j];
      }
    };
    if (whole) {
      for (int at = 0; at < seen; ++at) add(at);
    } else {
      for (int at = 0; at < seen; ++at) {
        if (at >= inside.begin && at < inside.end) add(at);
      }
    }
  }
  for (int k = 0; k < count; ++k) store_as(y + k * s.channels, sums[k]);
}

constexpr int depthwise_together = 4;

/// All channels of some pixels and then the next pixels: memory is read as it lies.
template <int columns, int stride>
void depthwise_known_rows(const Windows& s, int64_t begin, int64_t end, const float* x,
                          const float* w, const float* bias, float* y) {
  constexpr int together = depthwise_together, seen = (together - 1) * stride + columns;
  for (int64_t number = begin; number < end; ++number) {
    const ResultRow row = result_row(s, number);
    for (int64_t first = 0; first < s.out_width; first += together) {
      // The last ones may be computed twice.
      const int64_t q = smaller(first, s.out_width - together);
      const Range inside = range_inside(seen, 1, q * stride - s.padding, s.width);
      float* out = y + (number * s.out_width + q) * s.channels;
      for_each_channels(s.channels, [&]<class Vector>(Vector zero, int64_t c) {
        depthwise_known<columns, stride, Vector, together>(
            s, row.kernel_rows, inside, x, row.corner + q * stride * s.channels + c, w + c,
            bias ? load_as<Vector>(bias + c) : zero, out + c);
      });
    }
  }
}

void depthwise_any_rows(const Windows& s, int64_t begin, int64_t end, const float* x,
                        const float* w, const float* bias, float* y) {
  constexpr int together = depthwise_together;
  const int64_t reach = (s.kernel_width - 1) * s.dilation, step = s.stride * s.channels;
  // Results from `left` to `right` see every kernel column.
  const int64_t left = range_inside(s.out_width, s.stride, -s.padding, s.width).begin;
  const int64_t right =
      larger(left, range_inside(s.out_width, s.stride, reach - s.padding, s.width).end);
  for (int64_t number = begin; number < end; ++number) {
    const ResultRow row = result_row(s, number);
    float* out = y + number * s.out_width * s.channels;
    int64_t q = 0;
    while (q < s.out_width) {
      const bool group = q >= left && q + together <= right;
      const Range seen =
          range_inside(s.kernel_width, s.dilation, q * s.stride - s.padding, s.width);
      for_each_channels(s.channels, [&]<class Vector>(Vector start, int64_t c) {
        if (bias) start = load_as<Vector>(bias + c);
        const int64_t corner = row.corner + q * step + c;
        float* to = out + q * s.channels + c;
        if (group) {
          depthwise_results<Vector, together>(s, row.kernel_rows, seen, x, corner, w + c, start,
                                              to);
        } else {
          depthwise_results<Vector, 1>(s, row.kernel_rows, seen, x, corner, w + c, start, to);
        }
      });
      q += group ? together : 1;
    }
  }
}

void depthwise(const Windows& s, int64_t begin, int64_t end, const float* x, const float* w,
               const float* bias, float* y) {
  const bool known = s.dilation == 1 && s.out_width >= depthwise_together;
  if (known && s.kernel_width == 3 && s.stride == 1) {
    depthwise_known_rows<3, 1>(s, begin, end, x, w, bias, y);
  } else if (known && s.kernel_width == 3 && s.stride == 2) {
    depthwise_known_rows<3, 2>(s, begin, end, x, w, bias, y);
  } else if (known && s.kernel_width == 5 && s.stride == 1) {
    depthwise_known_rows<5, 1>(s, begin, end, x, w, bias, y);
  } else {
    depthwise_any_rows(s, begin, end, x, w, bias, y);
  }
}

void depthwise_input_gradient(const Windows& s, int64_t begin, int64_t end, const float* gy,
                              const float* w, float* gx) {
  for (int64_t number = begin; number < end; ++number) {
    const int64_t picture = number / s.height, row = number % s.height;
    float* out = gx + number * s.width * s.channels;
    clear_values(s.width * s.channels, out);
    for (int64_t i = 0; i < s.kernel_height; ++i) {
      const int64_t top = row + s.padding - i * s.dilation;  // of the result row, times stride
      if (top < 0 || top % s.stride != 0 || top / s.stride >= s.out_height) continue;
      const float* from = gy + (picture * s.out_height + top / s.stride) * s.out_width * s.channels;
      for (int64_t j = 0; j < s.kernel_width; ++j) {
        const int64_t shift = j * s.dilation - s.padding;
        const Range results = range_inside(s.out_width, s.stride, shift, s.width);
        const float* weight = w + (i * s.kernel_width + j) * s.channels;
        for_each_channels(s.channels, [&]<class Vector>(Vector, int64_t c) {
          const Vector factor = load_as<Vector>(weight + c);
          for (int64_t q = results.begin; q < results.end; ++q) {
            float* sum = out + (q * s.stride + shift) * s.channels + c;
            store_as(sum,
                     load_as<Vector>(sum) + load_as<Vector>(from + q * s.channels + c) * factor);
          }
        });
      }
    }
  }
}

/// The results that see at least one of some neighbouring kernel columns, and those that see all.
struct SeenBy {
  Range any, all;
};

/// Adds what one row of results contributes to the weights of `count` neighbouring kernel columns.
/// `column` is the picture's column that the first one and result 0 meet in, `corner` its place in
/// x.
template <class Vector, int count>
[[gnu::always_inline]] inline void depthwise_weights(const Windows& s, SeenBy results,
                                                     const float* gy, const float* x,
                                                     int64_t column, int64_t corner, float* gw) {
  Vector even[count] = {}, odd[count] = {};  // two chains, so that additions overlap
  const int64_t step = s.stride * s.channels, right = s.dilation * s.channels;
  const auto at_border = [&](int64_t q) {
    const Vector g = load_as<Vector>(gy + q * s.channels);
    for (int k = 0; k < count; ++k) {
      const int64_t meets = column + q * s.stride + k * s.dilation;
      if (meets < 0 || meets >= s.width) continue;
      even[k] += load_as<Vector>(x + (corner + q * step + k * right)) * g;
    }
  };
  int64_t q = results.any.begin;
  for (; q < results.all.begin; ++q) at_border(q);
  for (; q + 2 <= results.all.end; q += 2) {
    const float* from = x + (corner + q * step);
    const Vector g0 = load_as<Vector>(gy + q * s.channels);
    const Vector g1 = load_as<Vector>(gy + (q + 1) * s.channels);
    for (int k = 0; k < count; ++k) {
      even[k] += load_as<Vector>(from + k * right) * g0;
      odd[k] += load_as<Vector>(from + step + k * right) * g1;
    }
  }
  for (; q < results.any.end; ++q) at_border(q);
  for (int k = 0; k < count; ++k) {
    float* sum = gw + k * s.channels;
    store_as(sum, load_as<Vector>(sum) + (even[k] + odd[k]));
  }
}

template <int count>
void depthwise_columns_gradient(const Windows& s, int64_t j, int64_t begin, int64_t end,
                                const float* gy, const float* x, float* gw) {
  // The leftmost column sees results from its begin on, the rightmost up to its end.
  const int64_t column = j * s.dilation - s.padding, reach = (count - 1) * s.dilation;
  const Range leftmost = range_inside(s.out_width, s.stride, column, s.width);
  const Range rightmost = range_inside(s.out_width, s.stride, column + reach, s.width);
  const int64_t all = smaller(larger(leftmost.begin, rightmost.begin), leftmost.end);
  const SeenBy results{
      {smaller(rightmost.begin, leftmost.begin), larger(leftmost.end, rightmost.end)},
      {all, larger(all, smaller(rightmost.end, leftmost.end))}};
  for (int64_t number = begin; number < end; ++number) {
    const ResultRow row = result_row(s, number);
    const float* g = gy + number * s.out_width * s.channels;
    for (int64_t i = row.kernel_rows.begin; i < row.kernel_rows.end; ++i) {
      const int64_t corner = row.corner + (i * s.width + j) * s.dilation * s.channels;
      float* sums = gw + (i * s.kernel_width + j) * s.channels;
      for_each_channels(s.channels, [&]<class Vector>(Vector, int64_t c) {
        depthwise_weights<Vector, count>(s, results, g + c, x, column, corner + c, sums + c);
      });
    }
  }
}

void depthwise_weight_gradient(const Windows& s, int64_t begin, int64_t end, const float* gy,
                               const float* x, float* gw) {
  clear_values(s.kernel_height * s.kernel_width * s.channels, gw);
  int64_t j = 0;
  for (; j + 5 <= s.kernel_width; j += 5)
    depthwise_columns_gradient<5>(s, j, begin, end, gy, x, gw);
  for (; j + 3 <= s.kernel_width; j += 3)
    depthwise_columns_gradient<3>(s, j, begin, end, gy, x, gw);
  for (; j < s.kernel_width; ++j) depthwise_columns_gradient<1>(s, j, begin, end, gy, x, gw);
}
