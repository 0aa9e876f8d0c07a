#pragma once

#include <cmath>

#include "espalier/compress/runtime/plan/plan.h"

namespace espalier::runtime {

/// (x − mean)/deviation of the input's channel, in double, then rounded; x is pixel/255.
inline float normalised(const Graph& graph, double value, size_t channel) {
  if (graph.mean.empty()) return static_cast<float>(value);
  return static_cast<float>((value - graph.mean[channel]) / graph.deviation[channel]);
}

/// round(x/scale), half to even, + zero point, limited. What is no number becomes the lowest code.
inline int32_t code_of(const Grid& grid, float value) {
  const float code = std::nearbyint(value / grid.scale) + static_cast<float>(grid.zero_point);
  if (!(code > static_cast<float>(grid.lowest))) return grid.lowest;
  return code < static_cast<float>(grid.highest) ? static_cast<int32_t>(code) : grid.highest;
}

/// Makes the table of what each of 256 pixels is in each channel of the input, one table where all
/// channels are alike. \return false when there is no memory
[[nodiscard]] bool make_pixel_table(const Graph& graph, Plan& plan);

}  // namespace espalier::runtime
