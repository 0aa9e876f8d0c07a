#include "espalier/compress/quantizers/steps.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace espalier::compress {
namespace {

constexpr int most_steps = 255;
constexpr double tolerance = 2e-4;  // of a step

/// Into how few steps the magnitude must be divided for all values to be multiples of one; 0 if
/// `most_steps` are not enough. Zeros are multiples of anything.
int steps_of(std::span<const float> values, double magnitude) {
  for (int steps = 1; steps <= most_steps; ++steps) {
    const double per_step = steps / magnitude;
    const bool fits = std::all_of(values.begin(), values.end(), [&](float value) {
      const double code = value * per_step;
      return std::abs(code - std::nearbyint(code)) <= tolerance;
    });
    if (fits) return steps;
  }
  return 0;
}

/// Puts values on steps. \return the scale, or nothing if they lie on none
std::optional<float> put_on_steps(std::span<const float> values, std::vector<int16_t>& codes) {
  double magnitude = 0;
  for (float value : values) magnitude = std::max(magnitude, std::abs(double{value}));
  const int steps = magnitude > 0 ? steps_of(values, magnitude) : 1;
  if (steps == 0) return {};
  const double scale = magnitude > 0 ? magnitude / steps : 1;
  for (float value : values) codes.push_back(static_cast<int16_t>(std::nearbyint(value / scale)));
  return static_cast<float>(scale);
}

}  // namespace

std::optional<SteppedWeight> find_steps(const Tensor& weight) {
  const std::span<const float> values(weight.data(), static_cast<size_t>(weight.size()));
  SteppedWeight stepped;
  if (const auto scale = put_on_steps(values, stepped.codes)) {
    stepped.scales = {*scale};
    return stepped;
  }
  stepped.codes.clear();
  const size_t outputs = static_cast<size_t>(weight.shape()[0]), each = values.size() / outputs;
  for (size_t output = 0; output < outputs; ++output) {
    const auto scale = put_on_steps(values.subspan(output * each, each), stepped.codes);
    if (!scale) return {};
    stepped.scales.push_back(*scale);
  }
  return stepped;
}

}  // namespace espalier::compress
