#pragma once

#include <algorithm>
#include <vector>

#include "espalier/autograd/backend/vector_table.h"

/// Convolution with one kernel for each channel, as its definition. All three passes are sums over
/// the same products, for some rows of what they compute.
namespace espalier::backend::reference {

/// Calls `visit(x index, w index, y index)` for every product that results of row `number` (counted
/// through all pictures) are sums of.
template <class Visit>
void for_each_depthwise_product(const Windows& s, int64_t number, Visit&& visit) {
  const int64_t picture = number / s.out_height, p = number % s.out_height;
  for (int64_t q = 0; q < s.out_width; ++q) {
    for (int64_t i = 0; i < s.kernel_height; ++i) {
      for (int64_t j = 0; j < s.kernel_width; ++j) {
        const int64_t row = p * s.stride - s.padding + i * s.dilation;
        const int64_t column = q * s.stride - s.padding + j * s.dilation;
        if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
        for (int64_t c = 0; c < s.channels; ++c) {
          visit(((picture * s.height + row) * s.width + column) * s.channels + c,
                (i * s.kernel_width + j) * s.channels + c,
                (number * s.out_width + q) * s.channels + c);
        }
      }
    }
  }
}

template <class T>
void depthwise(const Windows& s, int64_t begin, int64_t end, const T* x, const T* w, const T* bias,
               T* y) {
  const int64_t row = s.out_width * s.channels;
  std::vector<double> sums(static_cast<size_t>(row));
  for (int64_t number = begin; number < end; ++number) {
    for (int64_t k = 0; k < row; ++k) {
      sums[static_cast<size_t>(k)] = bias ? double{bias[k % s.channels]} : 0.0;
    }
    for_each_depthwise_product(s, number, [&](int64_t xi, int64_t wi, int64_t yi) {
      sums[static_cast<size_t>(yi - number * row)] += double{x[xi]} * double{w[wi]};
    });
    std::transform(sums.begin(), sums.end(), y + number * row,
                   [](double sum) { return static_cast<T>(sum); });
  }
}

template <class T>
void depthwise_input_gradient(const Windows& s, int64_t begin, int64_t end, const T* gy, const T* w,
                              T* gx) {
  const int64_t row = s.width * s.channels;
  std::vector<double> sums(static_cast<size_t>((end - begin) * row), 0.0);
  const int64_t pictures = (end + s.height - 1) / s.height;
  for (int64_t number = begin / s.height * s.out_height; number < pictures * s.out_height;
       ++number) {
    for_each_depthwise_product(s, number, [&](int64_t xi, int64_t wi, int64_t yi) {
      const int64_t at = xi - begin * row;
      if (at < 0 || at >= (end - begin) * row) return;
      sums[static_cast<size_t>(at)] += double{gy[yi]} * double{w[wi]};
    });
  }
  std::transform(sums.begin(), sums.end(), gx + begin * row,
                 [](double sum) { return static_cast<T>(sum); });
}

template <class T>
void depthwise_weight_gradient(const Windows& s, int64_t begin, int64_t end, const T* gy,
                               const T* x, T* gw) {
  std::vector<double> sums(static_cast<size_t>(s.kernel_height * s.kernel_width * s.channels), 0.0);
  for (int64_t number = begin; number < end; ++number) {
    for_each_depthwise_product(s, number, [&](int64_t xi, int64_t wi, int64_t yi) {
      sums[static_cast<size_t>(wi)] += double{gy[yi]} * double{x[xi]};
    });
  }
  std::transform(sums.begin(), sums.end(), gw, [](double sum) { return static_cast<T>(sum); });
}

}  // namespace espalier::backend::reference
