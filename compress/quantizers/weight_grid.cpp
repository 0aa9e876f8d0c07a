#include "espalier/compress/quantizers/weight_grid.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::compress {
namespace {

/// Values worth a thread of their own.
constexpr int64_t grain = 16384;

/// A weight as rows of memory, one for each output channel.
struct Rows {
  int64_t count, size;

  explicit Rows(const Shape& shape)
      : count(shape.axes() == 0 ? 1 : shape[0]), size(count == 0 ? 0 : shape.elements() / count) {}

  /// `body(row, offset of its first value)` for all of them, on all threads.
  template <class Body>
  void for_each(const Body& body) const {
    parallel_for(count, std::max<int64_t>(1, grain / std::max<int64_t>(1, size)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) body(row, row * size);
                 });
  }
};

/// Largest magnitude; NaN if there is one. The bits of magnitudes are ordered as the magnitudes
/// are, with NaN above all, and a maximum of integers is one that compilers vectorize.
float largest_magnitude(const float* values, int64_t count) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(values[i]) & 0x7FFFFFFFu);
  return std::bit_cast<float>(largest);
}

/// The nearest integer, from halves to the even one, for |x| < 2²²: the sum has no bits left for a
/// fraction, so the processor rounds it, in its default way.
float rounded(float x) {
  constexpr float shift = 0x1.8p23f;
  return (x + shift) - shift;
}

}  // namespace

int largest_code(int bits) {
  if (bits < 2 || bits > 16) {
    throw Error("symmetric grid", "needs 2 to 16 bits, not " + std::to_string(bits));
  }
  return (1 << (bits - 1)) - 1;
}

std::vector<float> symmetric_scales(const Tensor& weight, int bits, bool per_channel) {
  const float codes = static_cast<float>(largest_code(bits));
  const Rows rows(weight.shape());
  std::vector<float> scales(static_cast<size_t>(rows.count));
  rows.for_each([&](int64_t row, int64_t at) {
    scales[static_cast<size_t>(row)] = largest_magnitude(weight.data() + at, rows.size);
  });
  if (!per_channel) scales = {largest_magnitude(scales.data(), rows.count)};
  for (float& scale : scales) {
    scale /= codes;
    // Also where the quotient is too small to be anything but zero.
    if (scale == 0.0f) scale = 1.0f;
  }
  return scales;
}

Tensor quantize_symmetric(const Tensor& weight, int bits, bool per_channel) {
  return quantize_symmetric(weight, bits, symmetric_scales(weight, bits, per_channel));
}

Tensor quantize_symmetric(const Tensor& weight, int bits, const std::vector<float>& scales) {
  const float most = static_cast<float>(largest_code(bits));
  const Rows rows(weight.shape());
  const auto given = static_cast<int64_t>(scales.size());
  if (given != 1 && given != rows.count) {
    throw Error("symmetric grid", "has " + std::to_string(given) + " steps for a weight of shape " +
                                      weight.shape().to_string());
  }
  NewTensor result(weight.shape());
  rows.for_each([&](int64_t row, int64_t at) {
    const float scale = scales[given == 1 ? 0 : static_cast<size_t>(row)];
    const float* from = weight.data() + at;
    float* to = result.data() + at;
    for (int64_t i = 0; i < rows.size; ++i) {
      // In this order of arguments NaN passes through.
      const float clipped = std::min(std::max(from[i] / scale, -most), most);
      to[i] = rounded(clipped) * scale;
    }
  });
  return result;
}

}  // namespace espalier::compress
