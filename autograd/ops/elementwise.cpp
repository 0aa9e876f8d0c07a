#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/fill_parts.h"

namespace espalier {

using backend::vector_kernels;

Tensor add(const Tensor& a, const Tensor& b) {
  require_same_shape("add", a, b);
  const auto& kernel = vector_kernels();
  Tensor y = fill_parts(a.shape(), [&](int64_t i, int64_t n, float* out) {
    kernel.add(n, a.data() + i, b.data() + i, out);
  });
  return record("add", {&a, &b}, y, {}, [](const Tensor& g, InputGradients& into) {
    if (into.needed(0)) into.add(0, g);
    if (into.needed(1)) into.add(1, g);
  });
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  require_same_shape("multiply", a, b);
  const auto& kernel = vector_kernels();
  Tensor y = fill_parts(a.shape(), [&](int64_t i, int64_t n, float* out) {
    kernel.multiply(n, a.data() + i, b.data() + i, out);
  });
  return record("multiply", {&a, &b}, y, {},
                [a = Saved(a), b = Saved(b)](const Tensor& g, InputGradients& into) {
                  if (into.needed(0)) into.add(0, multiply(g, b.get("multiply")));
                  if (into.needed(1)) into.add(1, multiply(g, a.get("multiply")));
                });
}

Tensor relu(const Tensor& x) {
  const auto& kernel = vector_kernels();
  Tensor y = fill_parts(
      x.shape(), [&](int64_t i, int64_t n, float* out) { kernel.relu(n, x.data() + i, out); });
  return record("relu", {&x}, y, {}, [y = Saved(y)](const Tensor& g, InputGradients& into) {
    const auto& slope = vector_kernels();
    const float* result = y.get("relu").data();
    into.add(0, fill_parts(g.shape(), [&](int64_t i, int64_t n, float* out) {
               slope.relu_gradient(n, result + i, g.data() + i, out);
             }));
  });
}

Tensor masked_multiply(const Tensor& x, const Mask& mask, MaskGradient gradient) {
  if (mask.shape() != x.shape()) {
    throw Error("masked_multiply", "the mask's shape " + mask.shape().to_string() +
                                       " is not the tensor's, " + x.shape().to_string());
  }
  // In parts of whole mask words.
  const auto apply = [](const Tensor& values, const Mask& bits) {
    NewTensor result(values.shape());
    const auto& kernel = vector_kernels();
    const int64_t size = values.size();
    parallel_for((size + 63) / 64, elementwise_grain / 64, [&](int64_t begin, int64_t end) {
      const int64_t first = begin * 64, last = std::min(end * 64, size);
      kernel.mask(last - first, values.data() + first, bits.words() + begin, result.data() + first);
    });
    return Tensor(std::move(result));
  };
  return record("masked_multiply", {&x}, apply(x, mask), {},
                [mask, gradient, apply](const Tensor& g, InputGradients& into) {
                  into.add(0, gradient == MaskGradient::masked ? apply(g, mask) : g);
                });
}

Tensor round_straight_through(const Tensor& x) {
  const auto& kernel = vector_kernels();
  Tensor y = fill_parts(
      x.shape(), [&](int64_t i, int64_t n, float* out) { kernel.round(n, x.data() + i, out); });
  return record("round", {&x}, y, {},
                [](const Tensor& g, InputGradients& into) { into.add(0, g); });
}

Tensor clamp(const Tensor& x, float low, float high) {
  if (!(low <= high)) {
    throw Error("clamp", "the lower bound " + std::to_string(low) + " is above the upper bound " +
                             std::to_string(high));
  }
  const auto& kernel = vector_kernels();
  Tensor y = fill_parts(x.shape(), [&](int64_t i, int64_t n, float* out) {
    kernel.clamp(n, low, high, x.data() + i, out);
  });
  return record("clamp", {&x}, y, {{"low", low}, {"high", high}},
                [x = Saved(x), low, high](const Tensor& g, InputGradients& into) {
                  const auto& slope = vector_kernels();
                  const float* input = x.get("clamp").data();
                  into.add(0, fill_parts(g.shape(), [&](int64_t i, int64_t n, float* out) {
                             slope.clamp_gradient(n, low, high, input + i, g.data() + i, out);
                           }));
                });
}

}  // namespace espalier
