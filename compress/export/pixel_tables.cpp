#include "espalier/compress/export/pixel_tables.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/integer_network.h"

namespace espalier::compress::c_code {
namespace {

std::array<int8_t, 256> table(float mean, float deviation, const file::Grid& grid) {
  std::array<int8_t, 256> codes{};
  for (int pixel = 0; pixel < 256; ++pixel) {
    const auto value = static_cast<float>((pixel / 255.0 - double{mean}) / double{deviation});
    const float code = std::nearbyint(value / grid.scale) + static_cast<float>(grid.zero_point);
    codes[static_cast<size_t>(pixel)] = static_cast<int8_t>(
        std::clamp(code, static_cast<float>(grid.lowest), static_cast<float>(grid.highest)));
  }
  return codes;
}

}  // namespace

PixelTables pixel_tables(const file::Network& network) {
  const file::Value& input = network.values[0];
  const auto channels = static_cast<size_t>(extents(input).channels);
  const auto of_channel = [&](const std::vector<float>& numbers, size_t channel, float otherwise) {
    if (numbers.empty()) return otherwise;
    if (numbers.size() == 1) return numbers[0];
    if (numbers.size() != channels) {
      throw Error("c source", "the normalisation has " + std::to_string(numbers.size()) +
                                  " numbers for " + std::to_string(channels) + " channels");
    }
    return numbers[channel];
  };
  PixelTables result;
  for (size_t channel = 0; channel < channels; ++channel) {
    const auto codes = table(of_channel(network.normalisation.mean, channel, 0),
                             of_channel(network.normalisation.deviation, channel, 1), *input.grid);
    auto same = std::find(result.tables.begin(), result.tables.end(), codes);
    if (same == result.tables.end()) same = result.tables.insert(same, codes);
    const auto index = same - result.tables.begin();
    if (index > 255) throw Error("c source", "the input has more than 256 different channels");
    result.of_channel.push_back(static_cast<uint8_t>(index));
  }
  return result;
}

}  // namespace espalier::compress::c_code
