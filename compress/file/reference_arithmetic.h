#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/file/network.h"

/// The arithmetic on codes, written a second time: what compress/runtime/fixed_point.h and
/// compress/file/network.h say, in other words than theirs.
namespace espalier::compress::file {

/// A real ratio as factor/2^shift: the largest shift up to 62 with a rounded factor below 2^31.
struct Ratio {
  int64_t factor = 0;
  int shift = 62;
  int64_t times_two_to_shift(double ratio) const {
    return static_cast<int64_t>(std::floor(std::ldexp(ratio, shift) + 0.5));
  }
  explicit Ratio(double ratio) {
    while (std::floor(std::ldexp(ratio, shift) + 0.5) >= 2147483648.0) --shift;
    if (shift < 1 || !(ratio > 0)) throw Error("reference", "a ratio of scales is out of range");
    factor = times_two_to_shift(ratio);
  }
};

/// n/2^shift to the nearest integer, halves upwards.
inline int64_t rounded(int64_t n, int shift) {
  const int64_t two = int64_t{1} << shift, raised = n + two / 2;
  return raised / two - (raised % two < 0 ? 1 : 0);
}

inline int64_t limited(int64_t code, const Grid& grid) {
  return std::min<int64_t>(std::max<int64_t>(code, grid.lowest), grid.highest);
}

inline float as_float(double x) {
  return static_cast<float>(x);
}

/// A float32 number as a code, in float32.
inline int64_t code_of(double number, const Grid& grid) {
  const float steps = std::nearbyint(as_float(number) / grid.scale);
  if (std::abs(steps) > 100000) return steps > 0 ? grid.highest : grid.lowest;
  return limited(static_cast<int64_t>(steps) + grid.zero_point, grid);
}

/// What a code is as float32.
inline double number_of(int64_t code, const Grid& grid) {
  return grid.scale * static_cast<float>(code - grid.zero_point);
}

}  // namespace espalier::compress::file
