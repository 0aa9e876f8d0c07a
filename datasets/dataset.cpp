#include "espalier/datasets/dataset.h"

#include <algorithm>
#include <cmath>

namespace espalier::datasets {
namespace {

// The value for one channel; `if_none` when there are no values.
double of_channel(const std::vector<float>& values, int64_t channel, double if_none) {
  if (values.empty()) return if_none;
  return double{values[values.size() == 1 ? 0 : static_cast<size_t>(channel)]};
}

}  // namespace

float Normalisation::operator()(uint8_t byte, int64_t channel) const {
  return static_cast<float>((byte / 255.0 - of_channel(mean, channel, 0.0)) /
                            of_channel(deviation, channel, 1.0));
}

uint8_t Normalisation::nearest_byte(float value, int64_t channel) const {
  const double light =
      double{value} * of_channel(deviation, channel, 1.0) + of_channel(mean, channel, 0.0);
  const double byte = std::round(light * 255);
  return byte > 0 ? static_cast<uint8_t>(std::min(byte, 255.0)) : 0;  // of no number: 0
}

}  // namespace espalier::datasets
