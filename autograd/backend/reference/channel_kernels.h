#pragma once

#include <algorithm>
#include <vector>

#include "espalier/autograd/backend/channel_table.h"
#include "espalier/autograd/backend/reference/vector_kernels.h"

/// The channel kernels as their definitions, computed in double precision.
namespace espalier::backend::reference {

/// A `ChannelMap` of any number type, so that it can be checked in double precision.
template <class T>
struct Map {
  const T *center, *factor, *offset;
  double operator()(int64_t channel, T x) const {
    return (double{x} - double{center[channel]}) * double{factor[channel]} +
           double{offset[channel]};
  }
};

template <class T>
void moments(int64_t rows, int64_t channels, const T* x, double* mean, double* squares) {
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += double{x[r * channels + c]};
    mean[c] = sum / static_cast<double>(rows);
    squares[c] = 0;
    for (int64_t r = 0; r < rows; ++r) {
      const double deviation = double{x[r * channels + c]} - mean[c];
      squares[c] += deviation * deviation;
    }
  }
}

template <class T>
void normalise(int64_t rows, int64_t channels, const Map<T>& map, bool relu, const T* x,
               const T* residual, T* y) {
  for (int64_t i = 0; i < rows * channels; ++i) {
    const double value = map(i % channels, x[i]) + (residual ? double{residual[i]} : 0.0);
    y[i] = static_cast<T>(relu && value < 0 ? 0.0 : value);
  }
}

template <class T>
void normalise_sums(int64_t rows, int64_t channels, const Map<T>& map, bool relu, const T* x,
                    const T* y, const T* g, T* h, double* sums, double* products) {
  std::fill_n(sums, channels, 0.0);
  std::fill_n(products, channels, 0.0);
  for (int64_t i = 0; i < rows * channels; ++i) {
    const int64_t c = i % channels;
    const bool passes = !relu || (y ? double{y[i]} : map(c, x[i])) > 0;
    const T gradient = passes ? g[i] : T{0};
    if (h) h[i] = gradient;
    sums[c] += double{gradient};
    products[c] += double{gradient} * (double{x[i]} - double{map.center[c]});
  }
}

template <class T>
void normalise_gradient(int64_t rows, int64_t channels, const Map<T>& map, bool relu,
                        const T* slope, const T* constant, const T* x, const T* g, T* gx) {
  for (int64_t i = 0; i < rows * channels; ++i) {
    const int64_t c = i % channels;
    const double h = !relu || map(c, x[i]) > 0 ? double{g[i]} : 0.0;
    gx[i] = static_cast<T>(double{map.factor[c]} * h +
                           double{slope[c]} * (double{x[i]} - double{map.center[c]}) +
                           double{constant[c]});
  }
}

template <class T>
void average_pool(const Windows& w, int64_t pictures, const T* x, T* y) {
  const int64_t values = pictures * w.out_height * w.out_width * w.channels;
  std::vector<double> sums(static_cast<size_t>(values), 0.0);
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t, int64_t c) {
    if (xi >= 0) sums[static_cast<size_t>(pixel * w.channels + c)] += double{x[xi]};
  });
  const double size = static_cast<double>(w.kernel_height * w.kernel_width);
  for (int64_t i = 0; i < values; ++i) y[i] = static_cast<T>(sums[static_cast<size_t>(i)] / size);
}

/// Every value of a window has the slope 1 / size.
template <class T>
void average_pool_gradient(const Windows& w, int64_t pictures, const T* g, T* gx) {
  const int64_t values = pictures * w.height * w.width * w.channels;
  std::vector<double> sums(static_cast<size_t>(values), 0.0);
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t, int64_t c) {
    if (xi >= 0) sums[static_cast<size_t>(xi)] += double{g[pixel * w.channels + c]};
  });
  const double size = static_cast<double>(w.kernel_height * w.kernel_width);
  for (int64_t i = 0; i < values; ++i) gx[i] = static_cast<T>(sums[static_cast<size_t>(i)] / size);
}

inline Map<float> map_of(const ChannelMap& map) {
  return {map.center, map.factor, map.offset};
}

inline constexpr ChannelKernels channel_kernels = {
    .moments = moments<float>,
    .normalise = [](int64_t rows, int64_t channels, const ChannelMap& map, bool relu,
                    const float* x, const float* residual,
                    float* y) { normalise(rows, channels, map_of(map), relu, x, residual, y); },
    .normalise_sums =
        [](int64_t rows, int64_t channels, const ChannelMap& map, bool relu, const float* x,
           const float* y, const float* g, float* h, double* sums, double* products) {
          normalise_sums(rows, channels, map_of(map), relu, x, y, g, h, sums, products);
        },
    .normalise_gradient =
        [](int64_t rows, int64_t channels, const ChannelMap& map, bool relu, const float* slope,
           const float* constant, const float* x, const float* g, float* gx) {
          normalise_gradient(rows, channels, map_of(map), relu, slope, constant, x, g, gx);
        },
    .average_pool = average_pool<float>,
    .average_pool_gradient = average_pool_gradient<float>,
};

}  // namespace espalier::backend::reference
