#include "espalier/nn/keep_indices.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

Tensor keep_indices(const Tensor& x, int axis, std::span<const int64_t> indices) {
  const Shape& from = x.shape();
  if (axis < 0 || axis >= from.axes()) {
    throw Error("keep_indices",
                "the shape " + from.to_string() + " has no axis " + std::to_string(axis));
  }
  int64_t outer = 1, inner = 1;
  Shape to;
  {
    std::vector<int64_t> extents(from.begin(), from.end());
    extents[static_cast<size_t>(axis)] = static_cast<int64_t>(indices.size());
    to = Shape(std::span<const int64_t>(extents));
  }
  for (int i = 0; i < axis; ++i) outer *= from[i];
  for (int i = axis + 1; i < from.axes(); ++i) inner *= from[i];
  NewTensor result(to);
  float* out = result.data();
  for (int64_t o = 0; o < outer; ++o) {
    for (const int64_t index : indices) {
      if (index < 0 || index >= from[axis]) {
        throw Error("keep_indices", "there is no index " + std::to_string(index) + " on axis " +
                                        std::to_string(axis) + " of " + from.to_string());
      }
      out = std::copy_n(x.data() + (o * from[axis] + index) * inner, inner, out);
    }
  }
  return result;
}

Mask keep_indices(const Mask& mask, int axis, std::span<const int64_t> indices) {
  return Mask::from(keep_indices(mask.to_tensor(), axis, indices));
}

}  // namespace espalier::nn
