#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "espalier/autograd/backend/activation_table.h"
#include "espalier/autograd/core/random.h"

/// The activation functions as their definitions, one element at a time, computed in double
/// precision.
namespace espalier::backend::reference {

template <class T>
void relu6(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::min(std::max(x[i], T{0}), T{6});
}

template <class T>
void relu6_gradient(int64_t n, const T* y, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = y[i] > 0 && y[i] < 6 ? g[i] : T{0};
}

template <class T>
void leaky_relu(int64_t n, T slope, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = x[i] > 0 ? x[i] : static_cast<T>(double{slope} * double{x[i]});
}

template <class T>
void leaky_relu_gradient(int64_t n, T slope, const T* x, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i)
    gx[i] = x[i] > 0 ? g[i] : static_cast<T>(double{slope} * double{g[i]});
}

template <class T>
void sigmoid(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(1 / (1 + std::exp(-double{x[i]})));
}

template <class T>
void sigmoid_gradient(int64_t n, const T* y, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i)
    gx[i] = static_cast<T>(double{g[i]} * double{y[i]} * (1 - double{y[i]}));
}

template <class T>
void tanh(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(std::tanh(double{x[i]}));
}

template <class T>
void tanh_gradient(int64_t n, const T* y, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i)
    gx[i] = static_cast<T>(double{g[i]} * (1 - double{y[i]} * double{y[i]}));
}

/// Φ(x), the probability that a standard normal number is below x. erfc, since 1 + erf would lose
/// all digits of the small values.
inline double normal_distribution(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

/// Φ′(x).
inline double normal_density(double x) {
  return std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
}

template <class T>
void gelu(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = static_cast<T>(double{x[i]} * normal_distribution(double{x[i]}));
}

template <class T>
void gelu_gradient(int64_t n, const T* x, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i) {
    const double at = double{x[i]};
    gx[i] = static_cast<T>(double{g[i]} * (normal_distribution(at) + at * normal_density(at)));
  }
}

template <class T>
void hardswish(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) {
    const double gate = std::min(std::max(double{x[i]} + 3, 0.0), 6.0) / 6;
    y[i] = static_cast<T>(double{x[i]} * gate);
  }
}

template <class T>
void hardswish_gradient(int64_t n, const T* x, const T* g, T* gx) {
  for (int64_t i = 0; i < n; ++i) {
    const double slope = x[i] <= -3 ? 0.0 : x[i] >= 3 ? 1.0 : (2 * double{x[i]} + 3) / 6;
    gx[i] = static_cast<T>(double{g[i]} * slope);
  }
}

/// log Σ e^x over a row. The largest value is taken away first, which changes nothing but keeps
/// exp() from overflowing.
template <class T>
double log_sum_exp(int64_t columns, const T* x) {
  const double top = double{*std::max_element(x, x + columns)};
  double total = 0;
  for (int64_t k = 0; k < columns; ++k) total += std::exp(double{x[k]} - top);
  return top + std::log(total);
}

template <class T>
void softmax(int64_t rows, int64_t columns, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const double log_total = log_sum_exp(columns, x);
    for (int64_t k = 0; k < columns; ++k) y[k] = static_cast<T>(std::exp(double{x[k]} - log_total));
  }
}

template <class T>
void softmax_gradient(int64_t rows, int64_t columns, const T* y, const T* g, T* gx) {
  for (int64_t r = 0; r < rows; ++r, y += columns, g += columns, gx += columns) {
    double mean = 0;
    for (int64_t k = 0; k < columns; ++k) mean += double{g[k]} * double{y[k]};
    for (int64_t k = 0; k < columns; ++k)
      gx[k] = static_cast<T>(double{y[k]} * (double{g[k]} - mean));
  }
}

template <class T>
void log_softmax(int64_t rows, int64_t columns, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const double log_total = log_sum_exp(columns, x);
    for (int64_t k = 0; k < columns; ++k) y[k] = static_cast<T>(double{x[k]} - log_total);
  }
}

template <class T>
void log_softmax_gradient(int64_t rows, int64_t columns, const T* y, const T* g, T* gx) {
  for (int64_t r = 0; r < rows; ++r, y += columns, g += columns, gx += columns) {
    double total = 0;
    for (int64_t k = 0; k < columns; ++k) total += double{g[k]};
    for (int64_t k = 0; k < columns; ++k)
      gx[k] = static_cast<T>(double{g[k]} - std::exp(double{y[k]}) * total);
  }
}

/// Word `first + i` of the stream decides about element `i`; see RandomStream::bits.
template <class T>
void dropout(int64_t n, int64_t first, const DropoutPattern& pattern, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t position = static_cast<uint64_t>(first + i), block = position / 4;
    const uint32_t word =
        philox4x32_10({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                       pattern.stream[0], pattern.stream[1]},
                      {pattern.key[0], pattern.key[1]})[position % 4];
    const bool kept = static_cast<int32_t>(word >> 8) >= pattern.threshold;
    y[i] = kept ? static_cast<T>(double{pattern.scale} * double{x[i]}) : T{0};
  }
}

template <class T>
double squared_distance(int64_t n, const T* a, const T* b) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double difference = double{a[i]} - double{b[i]};
    total += difference * difference;
  }
  return total;
}

template <class T>
void scaled_difference(int64_t n, T factor, const T* a, const T* b, T* out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = static_cast<T>(double{factor} * (double{a[i]} - double{b[i]}));
}

inline constexpr ActivationKernels activation_kernels = {
    .relu6 = relu6<float>,
    .relu6_gradient = relu6_gradient<float>,
    .leaky_relu = leaky_relu<float>,
    .leaky_relu_gradient = leaky_relu_gradient<float>,
    .sigmoid = sigmoid<float>,
    .sigmoid_gradient = sigmoid_gradient<float>,
    .tanh = tanh<float>,
    .tanh_gradient = tanh_gradient<float>,
    .gelu = gelu<float>,
    .gelu_gradient = gelu_gradient<float>,
    .hardswish = hardswish<float>,
    .hardswish_gradient = hardswish_gradient<float>,
    .softmax = softmax<float>,
    .softmax_gradient = softmax_gradient<float>,
    .log_softmax = log_softmax<float>,
    .log_softmax_gradient = log_softmax_gradient<float>,
    .dropout = dropout<float>,
    .squared_distance = squared_distance<float>,
    .scaled_difference = scaled_difference<float>,
};

}  // namespace espalier::backend::reference
