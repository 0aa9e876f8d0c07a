#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace espalier::backend::reference {

/// p = softmax(logits), row by row; returns the mean over rows of −Σ_k q[k]·log p[k], where q is
/// 1 − smoothing at the label, and smoothing/classes more everywhere.
/// The largest logit is taken away first, which changes nothing but keeps exp() from overflowing.
template <class T>
double cross_entropy(int64_t rows, int64_t classes, double smoothing, const T* logits,
                     const int32_t* labels, T* p) {
  double loss = 0;
  for (int64_t r = 0; r < rows; ++r, logits += classes, p += classes) {
    const double top = *std::max_element(logits, logits + classes);
    double total = 0, shifted = 0;
    for (int64_t k = 0; k < classes; ++k) {
      const double e = std::exp(double{logits[k]} - top);
      p[k] = static_cast<T>(e);
      total += e;
      shifted += double{logits[k]} - top;
    }
    for (int64_t k = 0; k < classes; ++k) p[k] = static_cast<T>(double{p[k]} / total);
    // Σ q = 1, so that log(total) is common to all classes.
    loss += std::log(total) - (1 - smoothing) * (double{logits[labels[r]]} - top);
    if (smoothing > 0) loss -= smoothing * shifted / static_cast<double>(classes);
  }
  return loss / static_cast<double>(rows);
}

/// ∂loss/∂logit[k] = (p[k] − q[k]) / rows, times the gradient of the loss.
template <class T>
void cross_entropy_gradient(int64_t rows, int64_t classes, double smoothing, const T* p,
                            const int32_t* labels, double g, T* gx) {
  const double everywhere = smoothing / static_cast<double>(classes);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < classes; ++k) {
      const double target = everywhere + (k == labels[r] ? 1 - smoothing : 0.0);
      gx[r * classes + k] =
          static_cast<T>(g * (double{p[r * classes + k]} - target) / static_cast<double>(rows));
    }
  }
}

}  // namespace espalier::backend::reference
