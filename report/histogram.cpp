#include "espalier/report/histogram.h"

#include <algorithm>
#include <cmath>

namespace espalier::report {

Histogram histogram(std::span<const float> values, double low, double high, int bins) {
  Histogram result{.low = low, .high = high, .counts = std::vector<int64_t>(bins, 0)};
  const double per_bin = high > low ? bins / (high - low) : 0;
  for (const float value : values) {
    if (value == 0) {
      ++result.zeros;
      continue;
    }
    if (!(value >= low && value <= high)) continue;  // what is no number neither
    const auto bin = static_cast<int64_t>((value - low) * per_bin);
    ++result.counts[static_cast<size_t>(std::min<int64_t>(bin, bins - 1))];
  }
  return result;
}

Extent extent(std::span<const float> values) {
  Extent found;
  bool any = false;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    found.low = any ? std::min<double>(found.low, value) : value;
    found.high = any ? std::max<double>(found.high, value) : value;
    any = true;
  }
  return found;
}

}  // namespace espalier::report
