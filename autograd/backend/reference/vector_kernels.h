#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "espalier/autograd/backend/reference/depthwise.h"
#include "espalier/autograd/backend/vector_table.h"

/// The vector kernels as their definitions, one element at a time, computed in double precision.
namespace espalier::backend::reference {

template <class T>
void add(int64_t n, const T* a, const T* b, T* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(double{a[i]} + double{b[i]});
}

template <class T>
void multiply(int64_t n, const T* a, const T* b, T* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(double{a[i]} * double{b[i]});
}

template <class T>
void scale(int64_t n, T factor, const T* x, T* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(double{factor} * double{x[i]});
}

template <class T>
void relu(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] < 0 ? T{0} : x[i];
}

/// The slope of max(x, 0) is 1 where the result is positive.
template <class T>
void relu_gradient(int64_t n, const T* y, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = y[i] > 0 ? g[i] : T{0};
}

template <class T>
void mask(int64_t n, const T* x, const uint64_t* bits, T* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = bits[i / 64] >> (i % 64) & 1 ? x[i] : T{0};
}

template <class T>
void round(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::nearbyint(x[i]);
}

template <class T>
void clamp(int64_t n, T low, T high, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::min(std::max(x[i], low), high);
}

template <class T>
void clamp_gradient(int64_t n, T low, T high, const T* x, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = low <= x[i] && x[i] <= high ? g[i] : T{0};
}

/// \param L  numbers `scale`, `zero`, `lowest`, `highest`
template <class T, class L>
void fake_quantize(int64_t n, const L& levels, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) {
    const double code = std::nearbyint(double{x[i]} / double{levels.scale}) + double{levels.zero};
    const double limited = std::min(std::max(code, double{levels.lowest}), double{levels.highest});
    y[i] = static_cast<T>((limited - double{levels.zero}) * double{levels.scale});
  }
}

template <class T>
void range(int64_t n, const T* x, T* smallest, T* largest) {
  *smallest = std::numeric_limits<T>::infinity();
  *largest = -*smallest;
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] < *smallest) *smallest = x[i];
    if (x[i] > *largest) *largest = x[i];
  }
}

template <class T>
double sum(int64_t n, const T* x) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += double{x[i]};
  return total;
}

template <class T>
void add_to_rows(int64_t rows, int64_t columns, const T* bias, T* y) {
  for (int64_t i = 0; i < rows * columns; ++i)
    y[i] = static_cast<T>(double{y[i]} + double{bias[i % columns]});
}

template <class T>
void column_sums(int64_t rows, int64_t columns, const T* x, T* out) {
  for (int64_t c = 0; c < columns; ++c) {
    double total = 0;
    for (int64_t r = 0; r < rows; ++r) total += double{x[r * columns + c]};
    out[c] = static_cast<T>(total);
  }
}

template <class T>
void transpose_add(int64_t rows, int64_t columns, const T* x, const T* bias, T* y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      y[c * rows + r] = static_cast<T>(double{x[r * columns + c]} + (bias ? double{bias[r]} : 0.0));
    }
  }
}

/// Calls `visit(x index or −1 outside, window's pixel, row and column in the kernel, channel)` for
/// every value of every window, in reading order.
template <class Visit>
void for_each_in_window(const Windows& w, int64_t pictures, Visit&& visit) {
  for (int64_t n = 0; n < pictures; ++n) {
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox) {
        for (int64_t i = 0; i < w.kernel_height; ++i) {
          for (int64_t j = 0; j < w.kernel_width; ++j) {
            const int64_t row = oy * w.stride - w.padding + i * w.dilation;
            const int64_t column = ox * w.stride - w.padding + j * w.dilation;
            const bool inside = row >= 0 && row < w.height && column >= 0 && column < w.width;
            for (int64_t c = 0; c < w.channels; ++c) {
              visit(inside ? ((n * w.height + row) * w.width + column) * w.channels + c : -1,
                    (n * w.out_height + oy) * w.out_width + ox, i * w.kernel_width + j, c);
            }
          }
        }
      }
    }
  }
}

template <class T>
void max_pool(const Windows& w, int64_t pictures, const T* x, T* y) {
  std::fill_n(y, pictures * w.out_height * w.out_width * w.channels,
              -std::numeric_limits<T>::infinity());
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t, int64_t c) {
    T& best = y[pixel * w.channels + c];
    if (xi >= 0 && (x[xi] > best || std::isnan(x[xi]))) best = x[xi];
  });
}

/// The largest value passes its slope 1 on; of equal ones the first in reading order.
template <class T>
void max_pool_gradient(const Windows& w, int64_t pictures, const T* x, const T* y, const T* g,
                       T* gx) {
  std::fill_n(gx, pictures * w.height * w.width * w.channels, T{0});
  std::vector<bool> given(static_cast<size_t>(pictures * w.out_height * w.out_width * w.channels),
                          false);
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t, int64_t c) {
    const int64_t yi = pixel * w.channels + c;
    if (xi < 0 || given[static_cast<size_t>(yi)] || x[xi] != y[yi]) return;
    given[static_cast<size_t>(yi)] = true;
    gx[xi] += g[yi];
  });
}

template <class T>
void copy_windows(const Windows& w, int64_t pictures, const T* x, T* windows) {
  const int64_t taps = w.kernel_height * w.kernel_width;
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t tap, int64_t c) {
    windows[(pixel * taps + tap) * w.channels + c] = xi < 0 ? T{0} : x[xi];
  });
}

template <class T>
void copy_window_columns(const Windows& w, int64_t pictures, const T* x, T* columns) {
  const int64_t pixels = pictures * w.out_height * w.out_width;
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t tap, int64_t) {
    columns[tap * pixels + pixel] = xi < 0 ? T{0} : x[xi];
  });
}

template <class T>
void add_windows(const Windows& w, int64_t pictures, const T* windows, T* x) {
  const int64_t taps = w.kernel_height * w.kernel_width;
  std::fill_n(x, pictures * w.height * w.width * w.channels, T{0});
  for_each_in_window(w, pictures, [&](int64_t xi, int64_t pixel, int64_t tap, int64_t c) {
    if (xi >= 0) x[xi] += windows[(pixel * taps + tap) * w.channels + c];
  });
}

inline constexpr VectorKernels vector_kernels = {
    .add = add<float>,
    .multiply = multiply<float>,
    .scale = scale<float>,
    .relu = relu<float>,
    .relu_gradient = relu_gradient<float>,
    .mask = mask<float>,
    .round = round<float>,
    .clamp = clamp<float>,
    .clamp_gradient = clamp_gradient<float>,
    .fake_quantize = fake_quantize<float, Levels>,
    .range = range<float>,
    .sum = sum<float>,
    .add_to_rows = add_to_rows<float>,
    .column_sums = column_sums<float>,
    .transpose_add = transpose_add<float>,
    .max_pool = max_pool<float>,
    .max_pool_gradient = max_pool_gradient<float>,
    .copy_windows = copy_windows<float>,
    .copy_window_columns = copy_window_columns<float>,
    .add_windows = add_windows<float>,
    .depthwise = depthwise<float>,
    .depthwise_input_gradient = depthwise_input_gradient<float>,
    .depthwise_weight_gradient = depthwise_weight_gradient<float>,
};

}  // namespace espalier::backend::reference
