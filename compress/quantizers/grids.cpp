#include "espalier/compress/quantizers/grids.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "espalier/autograd/core/error.h"

namespace espalier::compress {
namespace {

/// The range of each index of the first axis.
std::vector<ValueRange> channel_ranges(const Tensor& weight) {
  const int64_t channels = weight.shape()[0], elements = weight.size() / channels;
  std::vector<ValueRange> ranges;
  for (int64_t channel = 0; channel < channels; ++channel) {
    const auto [low, high] = std::minmax_element(weight.data() + channel * elements,
                                                 weight.data() + (channel + 1) * elements);
    ranges.push_back({*low, *high});
  }
  return ranges;
}

}  // namespace

int largest_code(int bits) {
  if (bits < 2 || bits > 16)
    throw Error("symmetric grid", "needs 2 to 16 bits, not " + std::to_string(bits));
  return (1 << (bits - 1)) - 1;
}

float largest_magnitude(const Tensor& x) {
  return largest_magnitude(value_range(x));
}

float largest_magnitude(const ValueRange& range) {
  return std::max(std::abs(range.low), std::abs(range.high));
}

QuantizationGrid symmetric_grid(const ValueRange& range, int bits) {
  const int code = largest_code(bits);
  const float scale = largest_magnitude(range) / static_cast<float>(code);
  // Also where the quotient is too small to be anything but zero.
  return {.scale = scale > 0 ? scale : 1, .zero_point = 0, .lowest = -code, .highest = code};
}

QuantizationGrid affine_grid(float low, float high, int lowest, int highest) {
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  const float scale = (high - low) / static_cast<float>(highest - lowest);
  if (!(scale > 0)) return {.scale = 1, .zero_point = lowest, .lowest = lowest, .highest = highest};
  const float zero = std::nearbyint(static_cast<float>(lowest) - low / scale);
  return {.scale = scale,
          .zero_point = static_cast<int>(
              std::clamp(zero, static_cast<float>(lowest), static_cast<float>(highest))),
          .lowest = lowest,
          .highest = highest};
}

std::vector<QuantizationGrid> weight_grids(const Tensor& weight, int bits, bool per_channel,
                                           bool symmetric) {
  const std::vector<ValueRange> ranges =
      per_channel ? channel_ranges(weight) : std::vector<ValueRange>{value_range(weight)};
  std::vector<QuantizationGrid> grids;
  for (const ValueRange& range : ranges) {
    grids.push_back(symmetric ? symmetric_grid(range, bits)
                              : affine_grid(range.low, range.high, 1, (1 << bits) - 1));
  }
  return grids;
}

Tensor quantize_symmetric(const Tensor& weight, int bits, bool per_channel) {
  return fake_quantize(weight, weight_grids(weight, bits, per_channel));
}

}  // namespace espalier::compress
