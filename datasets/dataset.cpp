#include "espalier/datasets/dataset.h"

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

}  // namespace espalier::datasets
