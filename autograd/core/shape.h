#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace espalier {

/// The extents of a tensor, outermost first. A shape without axes is that of a scalar.
/// Images are `N×H×W×C`, convolution weights `O×kH×kW×I`, matrices `rows×columns`.
class Shape {
 public:
  static constexpr int max_axes = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span(extents.begin(), extents.end())) {}
  /// \throws Error for more than `max_axes` axes or a negative extent
  explicit Shape(std::span<const int64_t> extents);

  int axes() const { return axes_; }
  int64_t operator[](int axis) const { return extents_[axis]; }
  /// Number of elements: the product of the extents (1 for a scalar).
  int64_t elements() const;

  bool operator==(const Shape& other) const = default;
  /// `2×28×28×1`; `scalar` when there is no axis.
  std::string to_string() const;

  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + axes_; }

 private:
  std::array<int64_t, max_axes> extents_{};
  int axes_ = 0;
};

}  // namespace espalier
