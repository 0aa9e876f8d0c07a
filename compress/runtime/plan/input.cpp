#include "espalier/compress/runtime/plan/input.h"

#include <cstring>

namespace espalier::runtime {

bool make_pixel_table(const Graph& graph, Plan& plan) {
  const Value& input = graph.values[0];
  const auto channels = static_cast<size_t>(input.channels());
  const bool one = graph.mean.empty();  // then all channels are alike
  const size_t tables = one ? 1 : channels;
  const auto bytes = static_cast<size_t>(input.codes ? plan.kernels->code_bytes : 4);
  char* table = plan.storage.allocate<char>(tables * 256 * bytes);
  if (!table) return false;
  for (size_t c = 0; c < tables; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      const float value = normalised(graph, pixel / 255.0, c);
      char* to = table + (c * 256 + static_cast<size_t>(pixel)) * bytes;
      if (input.codes) {
        const int32_t code = code_of(input.grid, value) + 128;
        if (bytes == 1) {
          *to = static_cast<char>(code);
        } else {
          const auto wide = static_cast<int16_t>(code);
          std::memcpy(to, &wide, sizeof wide);
        }
      } else {
        std::memcpy(to, &value, sizeof value);
      }
    }
  }
  plan.pixel_table = table;
  return true;
}

}  // namespace espalier::runtime
