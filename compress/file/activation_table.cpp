#include <algorithm>
#include <cmath>

#include "espalier/compress/file/write.h"

namespace espalier::compress::file {
namespace {

double value_of(Function function, double slope, double x) {
  switch (function) {
    case Function::relu:
      return std::max(x, 0.0);
    case Function::relu6:
      return std::clamp(x, 0.0, 6.0);
    case Function::leaky_relu:
      return x > 0 ? x : slope * x;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Function::hardswish:
      return x * std::clamp(x + 3, 0.0, 6.0) / 6;
  }
  return 0;
}

}  // namespace

std::vector<int8_t> activation_table(Function function, float slope, const Grid& input,
                                     const Grid& output) {
  std::vector<int8_t> table(256, static_cast<int8_t>(output.zero_point));
  for (int code = input.lowest; code <= input.highest; ++code) {
    const double x = double{input.scale} * (code - input.zero_point);
    const double y = std::nearbyint(value_of(function, slope, x) / output.scale);
    table[static_cast<size_t>(code + 128)] = static_cast<int8_t>(
        std::clamp<double>(y + output.zero_point, output.lowest, output.highest));
  }
  return table;
}

}  // namespace espalier::compress::file
