#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {
namespace {

/// `count` matrices of `rows × columns`, each transposed, as a tensor of `shape`.
Tensor transpose_each(const Tensor& x, int64_t count, int64_t rows, int64_t columns,
                      const Shape& shape) {
  NewTensor y(shape);
  const auto& vector = backend::vector_kernels();
  const int64_t size = rows * columns;
  parallel_for(count, 1 + elementwise_grain / (size + 1), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      vector.transpose_add(rows, columns, x.data() + n * size, nullptr, y.data() + n * size);
    }
  });
  return y;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (shape.elements() != x.size()) {
    throw Error("reshape", x.shape().to_string() + " has " + std::to_string(x.size()) +
                               " elements and cannot become " + shape.to_string());
  }
  return record(
      "reshape", {&x}, Tensor(x.storage(), shape), {},
      [from = x.shape()](const Tensor& g, InputGradients& into) { into.add(0, reshape(g, from)); });
}

Tensor flatten(const Tensor& x) {
  const Shape in = x.shape();
  if (in.axes() == 0) throw Error("flatten", "a scalar has no batch axis");
  const Shape flat{in[0], in[0] == 0 ? 0 : x.size() / in[0]};
  // With one pixel or one channel the order is the same.
  if (in.axes() != 4 || in[1] * in[2] == 1 || in[3] == 1) return reshape(x, flat);
  const int64_t pixels = in[1] * in[2], channels = in[3];
  return record("flatten", {&x}, transpose_each(x, in[0], pixels, channels, flat), {},
                [in, pixels, channels](const Tensor& g, InputGradients& into) {
                  into.add(0, transpose_each(g, in[0], channels, pixels, in));
                });
}

}  // namespace espalier
