#include <algorithm>
#include <vector>

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {
namespace {

/// Copies `rows` rows of `values` between two matrices with rows of other lengths.
void copy_rows(int64_t rows, int64_t values, const float* from, int64_t from_stride, float* to,
               int64_t to_stride) {
  parallel_for(rows, 1 + elementwise_grain / (values + 1), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      std::copy_n(from + r * from_stride, values, to + r * to_stride);
  });
}

int64_t last(const Shape& shape) {
  return shape[shape.axes() - 1];
}

Shape with_last(const Shape& shape, int64_t extent) {
  std::vector<int64_t> extents(shape.begin(), shape.end());
  extents.back() = extent;
  return Shape(std::span<const int64_t>(extents));
}

}  // namespace

Tensor concat(std::span<const Tensor> parts) {
  if (parts.empty()) throw Error("concat", "there is no tensor to put side by side");
  int64_t channels = 0;
  std::vector<const Tensor*> inputs;
  for (const Tensor& part : parts) {
    if (part.shape().axes() == 0) throw Error("concat", "a scalar has no channels");
    if (with_last(part.shape(), 0) != with_last(parts[0].shape(), 0)) {
      throw Error("concat", "the shapes " + parts[0].shape().to_string() + " and " +
                                part.shape().to_string() + " differ in more than the last axis");
    }
    channels += last(part.shape());
    inputs.push_back(&part);
  }
  NewTensor y(with_last(parts[0].shape(), channels));
  const int64_t rows = channels == 0 ? 0 : y.size() / channels;
  int64_t at = 0;
  for (const Tensor& part : parts) {
    const int64_t own = last(part.shape());
    copy_rows(rows, own, part.data(), own, y.data() + at, channels);
    at += own;
  }
  std::vector<Shape> shapes;
  for (const Tensor& part : parts) shapes.push_back(part.shape());
  return record(
      "concat", std::span<const Tensor* const>(inputs), std::move(y), {},
      [shapes = std::move(shapes), rows, channels](const Tensor& g, InputGradients& into) {
        int64_t start = 0;
        for (size_t i = 0; i < shapes.size(); ++i) {
          const int64_t own = last(shapes[i]);
          if (into.needed(static_cast<int>(i))) {
            NewTensor gx(shapes[i]);
            copy_rows(rows, own, g.data() + start, channels, gx.data(), own);
            into.add(static_cast<int>(i), std::move(gx));
          }
          start += own;
        }
      });
}

}  // namespace espalier
