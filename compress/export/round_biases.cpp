#include "espalier/compress/export/round_biases.h"

#include <algorithm>
#include <cmath>

#include "espalier/compress/file/loaded.h"
#include "espalier/compress/file/write.h"

namespace espalier::compress {
namespace {

constexpr int pictures = 16;
constexpr uint32_t pixel_seed = 1;
constexpr float most = 32767;

/// Its bias, if the operation is a layer that has one in float32.
file::Bias* float_bias(file::Operation& operation) {
  file::Bias* bias = nullptr;
  if (auto* convolution = std::get_if<file::Convolution>(&operation.what))
    bias = &convolution->bias;
  if (auto* linear = std::get_if<file::Linear>(&operation.what)) bias = &linear->bias;
  return bias && !bias->values.empty() ? bias : nullptr;
}

void round(file::Bias& bias) {
  float largest = 0;
  for (const float value : bias.values) largest = std::max(largest, std::abs(value));
  bias.scale = largest / most;
  if (!std::isnormal(bias.scale)) return;  // all 0, or nearly
  for (const float value : bias.values)
    bias.codes.push_back(static_cast<int32_t>(std::nearbyint(value / bias.scale)));
  bias.values.clear();
}

std::vector<float> scores(const file::Network& network) {
  const runtime::Model model = file::loaded(file::encode(network));
  const auto pixels = file::self_test_pixels(pixel_seed, pictures * model.input_size());
  std::vector<char> arena(model.arena_bytes(pictures));
  std::vector<float> all(static_cast<size_t>(pictures * model.output_size()));
  file::require(model.run(pixels.data(), pictures, all.data(), arena.data(), arena.size()));
  return all;
}

}  // namespace

void round_biases(file::Network& network) {
  if (network.values.back().has_codes()) return;
  file::Network rounded = network;
  bool any = false;
  for (file::Operation& operation : rounded.operations) {
    if (file::Bias* bias = float_bias(operation)) {
      round(*bias);
      any = any || !bias->codes.empty();
    }
  }
  if (!any) return;
  const std::vector<float> before = scores(network), after = scores(rounded);
  float largest = 0;
  for (const float score : before) largest = std::max(largest, std::abs(score));
  for (size_t i = 0; i < before.size(); ++i) {
    // Written so that what is no number changes nothing.
    if (!(std::abs(after[i] - before[i]) <= static_cast<float>(rounded_bias_tolerance) * largest))
      return;
  }
  network = std::move(rounded);
}

}  // namespace espalier::compress
