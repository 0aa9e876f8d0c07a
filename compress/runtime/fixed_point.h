#pragma once

#include <cmath>
#include <cstdint>

/// The arithmetic on codes: the one place where its rounding is written. Jacob et al.,
/// *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*
/// (arXiv 1712.05877), section 2.2, with the deviation that there is a single rounding: the paper
/// rounds the doubled high half of the product and then its shift, this rounds the whole product.
namespace espalier::runtime {

/// A positive real number as factor·2^−shift: 2^30 ≤ factor < 2^31, unless it is below 2^−32.
struct Multiplier {
  int32_t factor = 0;
  int32_t shift = 62;  ///< 1 to 62
};

/// Of a ratio of scales, in double: with ratio = m·2^e, ½ ≤ m < 1, it is
///
///     shift = min(31 − e, 62),   factor = ⌊ratio·2^shift + ½⌋
///
/// where a factor of 2^31 becomes 2^30 with one less as shift. Multiplications and divisions of
/// double are the same everywhere, so every implementation derives the same integers from the
/// float32 scales of a file: scale_w·scale_x/scale_y is (double(scale_w)·scale_x)/scale_y.
/// \return  shift 0 (nothing can be done with it) unless 0 < ratio < 2^30
inline Multiplier multiplier(double ratio) {
  if (!(ratio > 0 && ratio < 1073741824.0)) return {0, 0};
  int exponent = 0;
  std::frexp(ratio, &exponent);
  int shift = 31 - exponent;
  if (shift > 62) shift = 62;
  int64_t factor = static_cast<int64_t>(std::floor(std::ldexp(ratio, shift) + 0.5));
  if (factor == int64_t{1} << 31) {
    factor >>= 1;
    shift -= 1;
  }
  if (shift < 1) return {0, 0};
  return {static_cast<int32_t>(factor), static_cast<int32_t>(shift)};
}

/// Two ratios with one shift, for sums: that of the larger. The smaller's factor is rounded
/// likewise and limited to the larger's; it may be 0. shift 0 unless both are above 0 and below
/// 2^30.
struct MultiplierPair {
  int32_t first = 0, second = 0;
  int32_t shift = 0;
};
inline MultiplierPair multiplier_pair(double first, double second) {
  const double large = first >= second ? first : second, small = first >= second ? second : first;
  const Multiplier larger = multiplier(large);
  if (larger.shift == 0 || !(small > 0)) return {};
  const auto rounded = static_cast<int64_t>(std::floor(std::ldexp(small, larger.shift) + 0.5));
  const int32_t other = rounded > larger.factor ? larger.factor : static_cast<int32_t>(rounded);
  return first >= second ? MultiplierPair{larger.factor, other, larger.shift}
                         : MultiplierPair{other, larger.factor, larger.shift};
}

/// ⌊product·2^−shift + ½⌋, the only rounding there is: to the nearest integer, halves upwards.
/// |product| < 2^62.
inline int64_t rounded_shift(int64_t product, int32_t shift) {
  return (product + (int64_t{1} << (shift - 1))) >> shift;
}

/// zero_point + sum·multiplier, rounded, limited to lowest … highest.
inline int32_t requantize(int32_t sum, Multiplier by, int32_t zero_point, int32_t lowest,
                          int32_t highest) {
  const int64_t code = zero_point + rounded_shift(int64_t{sum} * by.factor, by.shift);
  return static_cast<int32_t>(code < lowest ? lowest : code > highest ? highest : code);
}

}  // namespace espalier::runtime
