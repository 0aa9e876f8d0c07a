// The channel kernels: statistics of channels, and maps that have factors for each. Vectors hold
// neighbouring channels, which lie one behind the other (N×H×W×C). Nothing is used twice, so the
// bound is memory: each of them is one pass over what it reads and writes, with all steps of it
// fused. Included behind `lanes.inl`, whose rules hold here, and `kernels.inl`.
//
// Sums run in float over a chunk of rows that stays in the first cache, and in double from chunk to
// chunk: the rounding errors of a float sum grow with its length, and a chunk is short.

namespace espalier::backend::simd {
namespace {

constexpr int64_t chunk_values = 4096;
constexpr int chains = 4;  // independent sums, so that additions overlap

int64_t chunk_rows(int64_t channels) {
  return larger(chunk_values / channels, 32);
}

float element(float value, int) {
  return value;
}
float element(Lanes value, int lane) {
  return value[lane];
}

/// Calls `body(vector, column, known)` for groups of neighbouring columns, all of one vector type.
/// Columns that do not fill the last vector are covered by one that begins earlier, so that its
/// first `known` columns come a second time. Fewer columns than lanes are taken one by one.
template <class Body>
[[gnu::always_inline]] inline void for_each_column_group(int64_t channels, Body&& body) {
  if (channels < lanes) {
    for (int64_t c = 0; c < channels; ++c) body(float{}, c, 0);
    return;
  }
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(Lanes{}, c, 0);
  if (c < channels) body(Lanes{}, channels - lanes, static_cast<int>(c + lanes - channels));
}

/// Calls `body(row, chain)` for all rows.
template <class Body>
[[gnu::always_inline]] inline void for_each_row(int64_t rows, Body&& body) {
  int64_t r = 0;
  for (; r + chains <= rows; r += chains) {
    for (int chain = 0; chain < chains; ++chain) body(r + chain, chain);
  }
  for (; r < rows; ++r) body(r, 0);
}

template <class V>
V joined(const V (&partial)[chains]) {
  return (partial[0] + partial[1]) + (partial[2] + partial[3]);
}

/// Chunk by chunk: an approximate mean, then the sums of the deviations from it and of their
/// squares, which give the chunk's exact mean and sum of squares; then both are merged with those
/// of the rows before (Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for
/// computing sample variances", 1979, equations 2.1).
void moments(int64_t rows, int64_t channels, const float* x, double* mean, double* squares) {
  for (int64_t c = 0; c < channels; ++c) mean[c] = squares[c] = 0;
  const int64_t step = chunk_rows(channels);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t n = smaller(step, rows - first);
    const double share = static_cast<double>(n) / static_cast<double>(first + n);
    const double weight = static_cast<double>(first) * share;
    const double one_over_n = 1.0 / static_cast<double>(n);
    const float* chunk = x + first * channels;
    for_each_column_group(channels, [&](auto group, int64_t at, int known) {
      using V = decltype(group);
      V totals[chains] = {};
      for_each_row(
          n, [&](int64_t r, int chain) { totals[chain] += load_as<V>(chunk + r * channels + at); });
      const V center = joined(totals) * static_cast<float>(one_over_n);
      V deviations[chains] = {}, powers[chains] = {};
      for_each_row(n, [&](int64_t r, int chain) {
        const V deviation = load_as<V>(chunk + r * channels + at) - center;
        deviations[chain] += deviation;
        powers[chain] += deviation * deviation;
      });
      const V rest = joined(deviations), power = joined(powers);
      for (int lane = known; lane < static_cast<int>(sizeof(V) / sizeof(float)); ++lane) {
        const double correction = double{element(rest, lane)} * one_over_n;
        const double chunk_mean = double{element(center, lane)} + correction;
        const double chunk_squares =
            double{element(power, lane)} - double{element(rest, lane)} * correction;
        const double difference = chunk_mean - mean[at + lane];
        mean[at + lane] += difference * share;
        squares[at + lane] += chunk_squares + difference * difference * weight;
      }
    });
  }
}

/// The map of one group of columns.
template <class V>
struct GroupMap {
  V center, factor, offset;
  GroupMap(const ChannelMap& map, int64_t at)
      : center(load_as<V>(map.center + at)),
        factor(load_as<V>(map.factor + at)),
        offset(load_as<V>(map.offset + at)) {}
  V operator()(V x) const { return (x - center) * factor + offset; }
};

template <bool relu, bool with_residual>
void normalise_rows(int64_t rows, int64_t channels, const ChannelMap& map, const float* x,
                    const float* residual, float* y) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    for_each_column_group(channels, [&](auto group, int64_t at, int) {
      using V = decltype(group);
      const V zero = {};
      V value = GroupMap<V>(map, at)(load_as<V>(x + at));
      if constexpr (with_residual) value += load_as<V>(residual + at);
      if constexpr (relu) value = value < zero ? zero : value;  // NaN stays NaN
      store_as(y + at, value);
    });
    if constexpr (with_residual) residual += channels;
  }
}

void normalise(int64_t rows, int64_t channels, const ChannelMap& map, bool relu, const float* x,
               const float* residual, float* y) {
  if (relu && residual) return normalise_rows<true, true>(rows, channels, map, x, residual, y);
  if (relu) return normalise_rows<true, false>(rows, channels, map, x, residual, y);
  if (residual) return normalise_rows<false, true>(rows, channels, map, x, residual, y);
  normalise_rows<false, false>(rows, channels, map, x, residual, y);
}

enum class Passes { all, positive_result, positive_map };

template <Passes passes, bool keep>
void normalise_sums_of(int64_t rows, int64_t channels, const ChannelMap& map, const float* x,
                       const float* y, const float* g, float* h, double* sums, double* products) {
  for (int64_t c = 0; c < channels; ++c) sums[c] = products[c] = 0;
  const int64_t step = chunk_rows(channels);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t n = smaller(step, rows - first), start = first * channels;
    for_each_column_group(channels, [&](auto group, int64_t at, int known) {
      using V = decltype(group);
      const GroupMap<V> mapped(map, at);
      const V zero = {};
      V totals[chains] = {}, moved[chains] = {};
      for_each_row(n, [&](int64_t r, int chain) {
        const int64_t i = start + r * channels + at;
        const V value = load_as<V>(x + i);
        V gradient = load_as<V>(g + i);
        if constexpr (passes == Passes::positive_result)
          gradient = load_as<V>(y + i) > zero ? gradient : zero;
        if constexpr (passes == Passes::positive_map)
          gradient = mapped(value) > zero ? gradient : zero;
        if constexpr (keep) store_as(h + i, gradient);
        totals[chain] += gradient;
        moved[chain] += gradient * (value - mapped.center);
      });
      const V total = joined(totals), product = joined(moved);
      for (int lane = known; lane < static_cast<int>(sizeof(V) / sizeof(float)); ++lane) {
        sums[at + lane] += double{element(total, lane)};
        products[at + lane] += double{element(product, lane)};
      }
    });
  }
}

void normalise_sums(int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                    const float* x, const float* y, const float* g, float* h, double* sums,
                    double* products) {
  const auto run = [&](auto kernel) { kernel(rows, channels, map, x, y, g, h, sums, products); };
  if (!relu)
    return run(h ? normalise_sums_of<Passes::all, true> : normalise_sums_of<Passes::all, false>);
  if (!y)
    return run(h ? normalise_sums_of<Passes::positive_map, true>
                 : normalise_sums_of<Passes::positive_map, false>);
  run(h ? normalise_sums_of<Passes::positive_result, true>
        : normalise_sums_of<Passes::positive_result, false>);
}

template <bool relu>
void normalise_gradient_rows(int64_t rows, int64_t channels, const ChannelMap& map,
                             const float* slope, const float* constant, const float* x,
                             const float* g, float* gx) {
  for (int64_t r = 0; r < rows; ++r, x += channels, g += channels, gx += channels) {
    for_each_column_group(channels, [&](auto group, int64_t at, int) {
      using V = decltype(group);
      const GroupMap<V> mapped(map, at);
      const V zero = {}, value = load_as<V>(x + at);
      V gradient = load_as<V>(g + at);
      if constexpr (relu) gradient = mapped(value) > zero ? gradient : zero;
      store_as<V>(gx + at,
                  mapped.factor * gradient + (load_as<V>(slope + at) * (value - mapped.center) +
                                              load_as<V>(constant + at)));
    });
  }
}

void normalise_gradient(int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                        const float* slope, const float* constant, const float* x, const float* g,
                        float* gx) {
  if (relu) return normalise_gradient_rows<true>(rows, channels, map, slope, constant, x, g, gx);
  normalise_gradient_rows<false>(rows, channels, map, slope, constant, x, g, gx);
}

void average_pool(const Windows& w, int64_t pictures, const float* x, float* y) {
  const int64_t row = w.width * w.channels;
  const float share = 1.0f / static_cast<float>(w.kernel_height * w.kernel_width);
  for (int64_t n = 0; n < pictures; ++n, x += w.height * row) {
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox, y += w.channels) {
        const Inside part = inside(w, oy, ox);
        for_each_column_group(w.channels, [&](auto group, int64_t at, int) {
          using V = decltype(group);
          V total = {};
          for (int64_t i = part.top; i < part.bottom; ++i) {
            for (int64_t j = part.left; j < part.right; ++j)
              total += load_as<V>(x + i * row + j * w.channels + at);
          }
          store_as<V>(y + at, total * share);
        });
      }
    }
  }
}

void average_pool_gradient(const Windows& w, int64_t pictures, const float* g, float* gx) {
  const int64_t row = w.width * w.channels, in = w.height * row;
  const float share = 1.0f / static_cast<float>(w.kernel_height * w.kernel_width);
  for (int64_t n = 0; n < pictures; ++n, gx += in) {
    clear_values(in, gx);
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox, g += w.channels) {
        const Inside part = inside(w, oy, ox);
        for (int64_t i = part.top; i < part.bottom; ++i) {
          for (int64_t j = part.left; j < part.right; ++j) {
            float* to = gx + i * row + j * w.channels;
            for (int64_t c = 0; c < w.channels; ++c) to[c] += g[c] * share;
          }
        }
      }
    }
  }
}

constexpr ChannelKernels channel_table = {
    .moments = moments,
    .normalise = normalise,
    .normalise_sums = normalise_sums,
    .normalise_gradient = normalise_gradient,
    .average_pool = average_pool,
    .average_pool_gradient = average_pool_gradient,
};

}  // namespace
}  // namespace espalier::backend::simd
