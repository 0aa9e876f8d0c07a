#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "espalier/autograd/tensor.h"

namespace espalier {

/// One bit per element: 1 keeps it, 0 masks it out. A cheap handle; contents never change.
class Mask {
 public:
  Mask() = default;
  static Mask ones(const Shape& shape);
  /// From a tensor of exact zeros and ones.
  /// \throws Error naming the first value that is neither
  static Mask from(const Tensor& zeros_and_ones);
  /// From what `words()` showed. \throws Error when the number of words is not that of the shape,
  /// or a bit past the end is 1
  static Mask from_words(const Shape& shape, std::vector<uint64_t> words);

  bool defined() const { return bits_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return shape_.elements(); }
  bool operator[](int64_t position) const {
    return (*bits_)[static_cast<size_t>(position / 64)] >> (position % 64) & 1;
  }
  /// Bit `i % 64` of word `i / 64` belongs to element i; bits past the end are 0.
  const uint64_t* words() const { return bits_->data(); }

  int64_t count() const;  ///< elements kept
  int64_t masked() const { return size() - count(); }
  Tensor to_tensor() const;
  bool operator==(const Mask& other) const;

 private:
  Mask(const Shape& shape, std::vector<uint64_t> bits);
  Shape shape_;
  std::shared_ptr<const std::vector<uint64_t>> bits_;
};

}  // namespace espalier
