#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace espalier::backend::reference {

/// log Σ_k exp((z[k] − top)/T), where top is the largest of z: no exp() overflows.
template <class T>
double log_sum_exp(int64_t classes, double temperature, const T* z, double top) {
  double total = 0;
  for (int64_t k = 0; k < classes; ++k) total += std::exp((double{z[k]} - top) / temperature);
  return std::log(total);
}

/// With t = softmax(teacher/T) and p = softmax(logits/T), row by row: difference = p − t; returns
/// the mean over rows of T²·Σ_k t[k]·(log t[k] − log p[k]).
template <class T>
double distillation(int64_t rows, int64_t classes, double temperature, const T* logits,
                    const T* teacher, T* difference) {
  double divergence = 0;
  for (int64_t r = 0; r < rows; ++r, logits += classes, teacher += classes, difference += classes) {
    const double top = *std::max_element(logits, logits + classes);
    const double teacher_top = *std::max_element(teacher, teacher + classes);
    const double log_total = log_sum_exp(classes, temperature, logits, top);
    const double teacher_log_total = log_sum_exp(classes, temperature, teacher, teacher_top);
    for (int64_t k = 0; k < classes; ++k) {
      const double log_p = (double{logits[k]} - top) / temperature - log_total;
      const double log_t = (double{teacher[k]} - teacher_top) / temperature - teacher_log_total;
      const double t = std::exp(log_t);
      difference[k] = static_cast<T>(std::exp(log_p) - t);
      // x·log x → 0 for x → 0, also where the logarithm is infinite.
      if (t != 0) divergence += t * (log_t - log_p);
    }
  }
  return temperature * temperature * divergence / static_cast<double>(rows);
}

/// gx[k] += g·T·(p[k] − t[k]) / rows: log p[k] depends on logits/T, which leaves one T of the T².
template <class T>
void add_distillation_gradient(int64_t rows, int64_t classes, double temperature,
                               const T* difference, double g, T* gx) {
  const double factor = g * temperature / static_cast<double>(rows);
  for (int64_t i = 0; i < rows * classes; ++i)
    gx[i] = static_cast<T>(double{gx[i]} + factor * double{difference[i]});
}

}  // namespace espalier::backend::reference
