#include "espalier/compress/export/stored_weights.h"

#include <algorithm>
#include <cmath>

#include "espalier/compress/quantizers/codebook.h"

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

/// Values and indices into them, if there are at most 256 and few enough for that to pay.
bool put_in_codebook(const Tensor& weight, file::Weights& into) {
  const Codebook book = codebook_of(weight);
  const bool has_zero = std::count(book.indices.begin(), book.indices.end(), -1) > 0;
  const size_t size = book.values.size() + (has_zero ? 1 : 0);
  if (size > 256 || size > book.indices.size() / 2) return false;
  into.codebook = book.values;
  const auto place = std::lower_bound(into.codebook.begin(), into.codebook.end(), 0.0f);
  const auto zero = static_cast<int32_t>(place - into.codebook.begin());
  if (has_zero) into.codebook.insert(place, 0.0f);
  for (const int32_t index : book.indices) {
    const int32_t behind = has_zero && index >= zero ? index + 1 : index;
    into.indices.push_back(static_cast<uint8_t>(index < 0 ? zero : behind));
  }
  return true;
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

file::Weights stored_weights(const Tensor& weight, std::span<const double> factors) {
  const size_t outputs = static_cast<size_t>(weight.shape()[0]);
  const size_t each = static_cast<size_t>(weight.size()) / outputs;
  file::Weights stored;
  stored.shape.assign(weight.shape().begin(), weight.shape().end());
  if (auto stepped = find_steps(weight)) {
    stored.codes = std::move(stepped->codes);
    stored.scales = std::move(stepped->scales);
    if (factors.empty()) return stored;
    if (stored.scales.size() == 1) stored.scales.assign(outputs, stored.scales[0]);
    for (size_t output = 0; output < outputs; ++output) {
      // A factor below 0 turns the codes; one of 0 leaves nothing of them.
      const double scale = stored.scales[output] * factors[output];
      const auto codes = std::span(stored.codes).subspan(output * each, each);
      if (scale < 0) {
        for (int16_t& code : codes) code = static_cast<int16_t>(-code);
      } else if (scale == 0) {
        std::fill(codes.begin(), codes.end(), int16_t{0});
      }
      stored.scales[output] = scale == 0 ? 1.0f : static_cast<float>(std::abs(scale));
    }
    return stored;
  }
  std::vector<float> values(weight.values().begin(), weight.values().end());
  for (size_t i = 0; i < values.size() && !factors.empty(); ++i)
    values[i] = static_cast<float>(values[i] * factors[i / each]);
  if (!put_in_codebook(Tensor::from(weight.shape(), values), stored))
    stored.values = std::move(values);
  return stored;
}

}  // namespace espalier::compress
