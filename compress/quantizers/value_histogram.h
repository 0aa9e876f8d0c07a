#pragma once

#include <cstdint>
#include <vector>

#include "espalier/autograd/ops.h"
#include "espalier/autograd/tensor.h"

namespace espalier::compress {

/// How values are distributed, counted while they come. There are 4,096 bins on each side of 0, all
/// of one width, a power of two; when a value lies outside, the width doubles and bins merge two by
/// two. So the result does not depend on the order in which the values came.
class ValueHistogram {
 public:
  /// Counts the elements of a tensor. \throws Error for one that is not a finite number
  void add(const Tensor& x);

  int64_t count() const { return count_; }
  /// The smallest and the largest value; only where there are any.
  ValueRange range() const { return range_; }

  struct Bin {
    double value;  ///< the mean of the values in it
    int64_t count;
  };
  /// Those with values in them, ascending.
  std::vector<Bin> bins() const;

 private:
  void widen();

  static constexpr int64_t half = 4096;
  double width_ = 0;  // 0: nothing but zeros so far
  std::vector<int64_t> counts_ = std::vector<int64_t>(2 * half);
  std::vector<double> sums_ = std::vector<double>(2 * half);
  int64_t count_ = 0;
  ValueRange range_{0, 0};
};

}  // namespace espalier::compress
