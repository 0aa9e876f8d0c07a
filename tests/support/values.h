#pragma once

#include <cmath>
#include <vector>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/tensor.h"

/// Test data and comparisons.
namespace espalier::test {

/// Standard normal numbers, different for different `seed`.
inline Tensor normal(const Shape& shape, uint64_t seed) {
  const RandomStream random(seed, Purpose::synthetic);
  return Tensor::generate(shape,
                          [&](int64_t i) { return random.normal(static_cast<uint64_t>(i)); });
}

inline std::vector<double> doubles(const Tensor& x) {
  return {x.values().begin(), x.values().end()};
}

/// Largest |a − b| in relation to the largest |b| (or 1, if that is more): the size of rounding
/// errors depends on the terms of a sum, not on what is left of them. Infinite if sizes differ or a
/// value is NaN.
template <class A, class B>
double largest_difference(const A& a, const B& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0, scale = 1;
  for (size_t i = 0; i < static_cast<size_t>(a.size()); ++i) {
    const double left = double{a[i]}, right = double{b[i]};
    if (std::isnan(left - right)) return INFINITY;
    worst = std::max(worst, std::abs(left - right));
    scale = std::max(scale, std::abs(right));
  }
  return worst / scale;
}

}  // namespace espalier::test
