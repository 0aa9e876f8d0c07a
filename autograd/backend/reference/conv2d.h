#pragma once

#include <algorithm>
#include <vector>

#include "espalier/autograd/backend/conv2d.h"

namespace espalier::backend::reference {

/// Calls `visit(x index, w index, y index)` for every product x·w that the convolution adds to an
/// output value: this loop nest *is* the convolution. All three passes are sums over it.
template <class Visit>
void for_each_product(const Conv2d& problem, Visit&& visit) {
  const int64_t in = problem.group_channels(), out = problem.group_out_channels();
  for (int64_t n = 0; n < problem.batch; ++n) {
    for (int64_t p = 0; p < problem.out_height(); ++p) {
      for (int64_t q = 0; q < problem.out_width(); ++q) {
        for (int64_t o = 0; o < problem.out_channels; ++o) {
          const int64_t group = o / out;
          const int64_t y_index =
              ((n * problem.out_height() + p) * problem.out_width() + q) * problem.out_channels + o;
          for (int64_t i = 0; i < problem.kernel_height; ++i) {
            for (int64_t j = 0; j < problem.kernel_width; ++j) {
              const int64_t row = p * problem.stride - problem.padding + i * problem.dilation;
              const int64_t column = q * problem.stride - problem.padding + j * problem.dilation;
              // Outside the picture there are zeros, which add nothing.
              if (row < 0 || row >= problem.height || column < 0 || column >= problem.width)
                continue;
              for (int64_t c = 0; c < in; ++c) {
                const int64_t x_index =
                    ((n * problem.height + row) * problem.width + column) * problem.channels +
                    group * in + c;
                const int64_t w_index =
                    ((o * problem.kernel_height + i) * problem.kernel_width + j) * in + c;
                visit(x_index, w_index, y_index);
              }
            }
          }
        }
      }
    }
  }
}

/// Runs `accumulate(sums)` on zeroed doubles and stores them as T.
template <class T, class Accumulate>
void sum_in_double(int64_t n, T* result, Accumulate&& accumulate) {
  std::vector<double> sums(static_cast<size_t>(n), 0.0);
  accumulate(sums.data());
  std::transform(sums.begin(), sums.end(), result, [](double sum) { return static_cast<T>(sum); });
}

/// y[n,p,q,o] = b[o] + Σ x·w.
template <class T>
void conv2d_forward(const Conv2d& problem, const T* x, const T* w, const T* b, T* y) {
  const int64_t n =
      problem.batch * problem.out_height() * problem.out_width() * problem.out_channels;
  sum_in_double(n, y, [&](double* sums) {
    if (b) {
      for (int64_t i = 0; i < n; ++i) sums[i] = b[i % problem.out_channels];
    }
    for_each_product(problem, [&](int64_t xi, int64_t wi, int64_t yi) {
      sums[yi] += double{x[xi]} * double{w[wi]};
    });
  });
}

/// ∂y/∂x = w, so gx = Σ gy·w over the products that x takes part in.
template <class T>
void conv2d_input_gradient(const Conv2d& problem, const T* gy, const T* w, T* gx) {
  sum_in_double(problem.batch * problem.height * problem.width * problem.channels, gx,
                [&](double* sums) {
                  for_each_product(problem, [&](int64_t xi, int64_t wi, int64_t yi) {
                    sums[xi] += double{gy[yi]} * double{w[wi]};
                  });
                });
}

/// ∂y/∂w = x, so gw = Σ gy·x over the products that w takes part in.
template <class T>
void conv2d_weight_gradient(const Conv2d& problem, const T* gy, const T* x, T* gw) {
  sum_in_double(problem.out_channels * problem.window(), gw, [&](double* sums) {
    for_each_product(problem, [&](int64_t xi, int64_t wi, int64_t yi) {
      sums[wi] += double{gy[yi]} * double{x[xi]};
    });
  });
}

}  // namespace espalier::backend::reference
