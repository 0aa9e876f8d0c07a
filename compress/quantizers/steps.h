#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "espalier/autograd/tensor.h"

namespace espalier::compress {

/// A weight as multiples of steps: weight = scale·code, with one scale or one for each index of the
/// first axis.
struct SteppedWeight {
  std::vector<int16_t> codes;
  std::vector<float> scales;
};

/// Finds the steps on which a quantized weight lies: the largest of which all values are multiples,
/// give or take 2·10⁻⁴ of a step, with codes up to ±255. One scale for all is preferred to one for
/// each output channel. Who quantized, and how, does not matter; a weight that nobody quantized
/// lies on no such steps, because its values have nothing in common. \return nothing if there are
/// no such steps
std::optional<SteppedWeight> find_steps(const Tensor& weight);

}  // namespace espalier::compress
