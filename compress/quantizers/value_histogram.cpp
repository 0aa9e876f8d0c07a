#include "espalier/compress/quantizers/value_histogram.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {

void ValueHistogram::add(const Tensor& x) {
  if (x.size() == 0) return;
  const auto values = x.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    throw Error("histogram", "a value to be counted is not a finite number");
  const ValueRange range = value_range(x);
  const double largest = double{largest_magnitude(range)};
  if (width_ == 0 && largest > 0) width_ = std::exp2(std::ceil(std::log2(largest / half)));
  while (largest > width_ * half) widen();
  // Zeros before anything else are in the bin that they would be in at any width.
  const double scale = width_ > 0 ? 1 / width_ : 0;
  for (const float value : values) {
    const auto bin = static_cast<int64_t>(std::floor(double{value} * scale));
    const auto place = static_cast<size_t>(std::clamp(bin, -half, half - 1) + half);
    ++counts_[place];
    sums_[place] += double{value};
  }
  range_ = count_ == 0
               ? range
               : ValueRange{std::min(range_.low, range.low), std::max(range_.high, range.high)};
  count_ += x.size();
}

/// Bin b holds b·width up to (b + 1)·width; bins 2b and 2b + 1 become bin b.
void ValueHistogram::widen() {
  std::vector<int64_t> counts(counts_.size());
  std::vector<double> sums(sums_.size());
  for (int64_t bin = -half; bin < half; ++bin) {
    const auto from = static_cast<size_t>(bin + half), to = static_cast<size_t>((bin >> 1) + half);
    counts[to] += counts_[from];
    sums[to] += sums_[from];
  }
  counts_ = std::move(counts);
  sums_ = std::move(sums);
  width_ *= 2;
}

std::vector<ValueHistogram::Bin> ValueHistogram::bins() const {
  std::vector<Bin> filled;
  for (size_t place = 0; place < counts_.size(); ++place) {
    if (counts_[place] > 0)
      filled.push_back({sums_[place] / static_cast<double>(counts_[place]), counts_[place]});
  }
  return filled;
}

}  // namespace espalier::compress
