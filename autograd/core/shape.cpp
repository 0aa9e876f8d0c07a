#include "espalier/autograd/core/shape.h"

#include "espalier/autograd/core/error.h"

namespace espalier {

Shape::Shape(std::span<const int64_t> extents) {
  if (extents.size() > max_axes) {
    throw Error("shape", "a tensor has at most " + std::to_string(max_axes) + " axes, not " +
                             std::to_string(extents.size()));
  }
  for (int64_t extent : extents) {
    if (extent < 0) throw Error("shape", "an extent is negative: " + std::to_string(extent));
    extents_[axes_++] = extent;
  }
}

int64_t Shape::elements() const {
  int64_t product = 1;
  for (int64_t extent : *this) product *= extent;
  return product;
}

std::string Shape::to_string() const {
  if (axes_ == 0) return "scalar";
  std::string text;
  for (int64_t extent : *this) {
    if (!text.empty()) text += "×";
    text += std::to_string(extent);
  }
  return text;
}

}  // namespace espalier
