#pragma once

#include <cstdint>
#include <span>

#include "espalier/report/report_data.h"

namespace espalier::report {

/// Counts of values in `bins` bins of equal width over [low, high]. A value at an inner edge counts
/// in the bin above it, `high` itself in the last one; exact zeros are counted apart, and values
/// outside of [low, high] or not finite nowhere. Where low = high, all that equal it are in the
/// first bin.
Histogram histogram(std::span<const float> values, double low, double high, int bins);

/// The smallest and the largest finite value; 0 and 0 if there is none.
struct Extent {
  double low = 0, high = 0;
};
Extent extent(std::span<const float> values);

}  // namespace espalier::report
