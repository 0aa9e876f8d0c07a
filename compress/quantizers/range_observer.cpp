#include "espalier/compress/quantizers/range_observer.h"

#include <algorithm>
#include <cmath>

namespace espalier::compress {
namespace {

using Bin = ValueHistogram::Bin;

double squared_error(const std::vector<Bin>& bins, const QuantizationGrid& grid) {
  const double scale = double{grid.scale};
  double sum = 0;
  for (const Bin& bin : bins) {
    const double code = std::clamp(std::nearbyint(bin.value / scale) + grid.zero_point,
                                   double(grid.lowest), double(grid.highest));
    const double error = bin.value - scale * (code - grid.zero_point);
    sum += static_cast<double>(bin.count) * error * error;
  }
  return sum;
}

}  // namespace

ValueRange minmax_range(const ValueHistogram& values) {
  return values.range();
}

ValueRange percentile_range(const ValueHistogram& values, double percentile) {
  if (percentile >= 100) return values.range();
  const auto wanted =
      static_cast<int64_t>(std::ceil(percentile / 100 * static_cast<double>(values.count())));
  const std::vector<Bin> bins = values.bins();
  const auto reached = [&](auto first, auto last) {
    int64_t count = 0;
    for (; first != last; ++first) {
      count += first->count;
      if (count >= wanted) break;
    }
    return static_cast<float>(first->value);
  };
  return {reached(bins.rbegin(), bins.rend()), reached(bins.begin(), bins.end())};
}

double squared_error(const ValueHistogram& values, const QuantizationGrid& grid) {
  return squared_error(values.bins(), grid);
}

ValueRange least_error_range(const ValueHistogram& values, const GridOf& grid, bool symmetric) {
  constexpr int parts = 128;
  const std::vector<Bin> bins = values.bins();
  const ValueRange all = values.range();
  int low = parts, high = parts;
  const auto range = [&](int low_part, int high_part) -> ValueRange {
    return {all.low * static_cast<float>(low_part) / parts,
            all.high * static_cast<float>(high_part) / parts};
  };
  double least = squared_error(bins, grid(range(low, high)));
  const auto improve = [&](int& end, const auto& range_at) {
    bool better = false;
    for (int part = 1; part <= parts; ++part) {
      const double error = squared_error(bins, grid(range_at(part)));
      if (error >= least) continue;
      least = error;
      end = part;
      better = true;
    }
    return better;
  };
  improve(high, [&](int part) { return range(part, part); });
  low = high;
  bool better = !symmetric;
  while (better) {
    better = improve(high, [&](int part) { return range(low, part); });
    better = improve(low, [&](int part) { return range(part, high); }) || better;
  }
  return range(low, high);
}

}  // namespace espalier::compress
