#include "espalier/compress/export/stored_weights.h"

#include <algorithm>
#include <cmath>

#include "espalier/compress/quantizers/codebook.h"
#include "espalier/compress/quantizers/steps.h"

namespace espalier::compress {
namespace {

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
