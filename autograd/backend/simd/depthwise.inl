// Depthwise convolution: every channel has a kernel of its own, so neighbouring channels fill a
// vector. Included by kernels.inl; what is said there on linkage holds here.

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

/// `count` neighbouring results of one vector of channels. Every weight, once loaded, serves all.
/// The product of the kernel's corner and the first result is with x[corner].
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
      const Vector factor = load_as<Vector>(weight);
      for (int k = 0; k < count; ++k) sums[k] += load_as<Vector>(from + k * next) * factor;
      weight += s.channels;
      from += right;
    }
  }
  for (int k = 0; k < count; ++k) store_as(y + k * s.channels, sums[k]);
}

void depthwise(const Windows& s, int64_t begin, int64_t end, const float* x, const float* w,
               const float* bias, float* y) {
  constexpr int together = 4;
  const int64_t reach = (s.kernel_width - 1) * s.dilation, step = s.stride * s.channels;
  // Results from `left` to `right` see every kernel column.
  const int64_t left = range_inside(s.out_width, s.stride, -s.padding, s.width).begin;
  const int64_t right =
      larger(left, range_inside(s.out_width, s.stride, reach - s.padding, s.width).end);
  for (int64_t number = begin; number < end; ++number) {
    const ResultRow row = result_row(s, number);
    float* out = y + number * s.out_width * s.channels;
    for_each_channels(s.channels, [&]<class Vector>(Vector start, int64_t c) {
      if (bias) start = load_as<Vector>(bias + c);
      const auto at_border = [&](int64_t q) {
        const Range columns =
            range_inside(s.kernel_width, s.dilation, q * s.stride - s.padding, s.width);
        depthwise_results<Vector, 1>(s, row.kernel_rows, columns, x, row.corner + q * step + c,
                                     w + c, start, out + q * s.channels + c);
      };
      int64_t q = 0;
      for (; q < left; ++q) at_border(q);
      for (; q + together <= right; q += together) {
        depthwise_results<Vector, together>(s, row.kernel_rows, {0, s.kernel_width}, x,
                                            row.corner + q * step + c, w + c, start,
                                            out + q * s.channels + c);
      }
      for (; q < s.out_width; ++q) at_border(q);
    });
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

/// Adds what the results in `results` contribute to the weights of `count` neighbouring kernel
/// columns, all of which they see. The first column and result 0 meet in x[corner].
template <class Vector, int count>
[[gnu::always_inline]] inline void depthwise_weights(const Windows& s, Range results,
                                                     const float* gy, const float* x,
                                                     int64_t corner, float* gw) {
  if (results.begin >= results.end) return;
  Vector even[count] = {}, odd[count] = {};  // two chains, so that additions overlap
  const int64_t step = s.stride * s.channels, right = s.dilation * s.channels;
  const float* from = x + (corner + results.begin * step);
  gy += results.begin * s.channels;
  int64_t left = results.end - results.begin;
  for (; left >= 2; left -= 2, from += 2 * step, gy += 2 * s.channels) {
    const Vector g0 = load_as<Vector>(gy), g1 = load_as<Vector>(gy + s.channels);
    for (int k = 0; k < count; ++k) {
      even[k] += load_as<Vector>(from + k * right) * g0;
      odd[k] += load_as<Vector>(from + step + k * right) * g1;
    }
  }
  if (left == 1) {
    const Vector g = load_as<Vector>(gy);
    for (int k = 0; k < count; ++k) even[k] += load_as<Vector>(from + k * right) * g;
  }
  for (int k = 0; k < count; ++k) {
    float* sum = gw + k * s.channels;
    store_as(sum, load_as<Vector>(sum) + (even[k] + odd[k]));
  }
}

void depthwise_weight_gradient(const Windows& s, int64_t begin, int64_t end, const float* gy,
                               const float* x, float* gw) {
  constexpr int together = 3;
  clear_values(s.kernel_height * s.kernel_width * s.channels, gw);
  for (int64_t number = begin; number < end; ++number) {
    const ResultRow row = result_row(s, number);
    const float* g = gy + number * s.out_width * s.channels;
    for_each_channels(s.channels, [&]<class Vector>(Vector, int64_t c) {
      for (int64_t i = row.kernel_rows.begin; i < row.kernel_rows.end; ++i) {
        const int64_t corner = row.corner + i * s.dilation * s.width * s.channels + c;
        float* sums = gw + i * s.kernel_width * s.channels + c;
        const auto seeing = [&](int64_t j) {
          return range_inside(s.out_width, s.stride, j * s.dilation - s.padding, s.width);
        };
        const auto alone = [&](int64_t j, Range results) {
          depthwise_weights<Vector, 1>(s, results, g + c, x, corner + j * s.dilation * s.channels,
                                       sums + j * s.channels);
        };
        int64_t j = 0;
        for (; j + together <= s.kernel_width; j += together) {
          // The leftmost column sees results from its begin on, the rightmost up to its end.
          const int64_t from = seeing(j).begin;
          const int64_t to = larger(from, seeing(j + together - 1).end);
          depthwise_weights<Vector, together>(
              s, {from, to}, g + c, x, corner + j * s.dilation * s.channels, sums + j * s.channels);
          for (int64_t k = j; k < j + together; ++k) {
            alone(k, {seeing(k).begin, smaller(from, seeing(k).end)});
            alone(k, {larger(to, seeing(k).begin), seeing(k).end});
          }
        }
        for (; j < s.kernel_width; ++j) alone(j, seeing(j));
      }
    });
  }
}
