#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/fill_parts.h"

namespace espalier {
namespace {

using backend::activation_kernels, backend::ActivationKernels;
using Function = void (*ActivationKernels::*)(int64_t n, const float* x, float* y);
using Slope = void (*ActivationKernels::*)(int64_t n, const float* at, const float* g, float* gx);

/// What an activation's gradient is computed from.
enum class From { input, result };

/// y = function(x), element by element, with the gradient that `slope` gives.
Tensor activation(const char* name, const Tensor& x, Function function, From from, Slope slope) {
  const ActivationKernels& kernels = activation_kernels();
  Tensor y = fill_parts(x.shape(), [&](int64_t i, int64_t n, float* out) {
    (kernels.*function)(n, x.data() + i, out);
  });
  return record(name, {&x}, y, {},
                [name, slope, kept = Saved(from == From::input ? x : y)](const Tensor& g,
                                                                         InputGradients& into) {
                  const ActivationKernels& table = activation_kernels();
                  const float* at = kept.get(name).data();
                  into.add(0, fill_parts(g.shape(), [&](int64_t i, int64_t n, float* out) {
                             (table.*slope)(n, at + i, g.data() + i, out);
                           }));
                });
}

}  // namespace

Tensor relu6(const Tensor& x) {
  return activation("relu6", x, &ActivationKernels::relu6, From::result,
                    &ActivationKernels::relu6_gradient);
}

Tensor sigmoid(const Tensor& x) {
  return activation("sigmoid", x, &ActivationKernels::sigmoid, From::result,
                    &ActivationKernels::sigmoid_gradient);
}

Tensor tanh(const Tensor& x) {
  return activation("tanh", x, &ActivationKernels::tanh, From::result,
                    &ActivationKernels::tanh_gradient);
}

Tensor gelu(const Tensor& x) {
  return activation("gelu", x, &ActivationKernels::gelu, From::input,
                    &ActivationKernels::gelu_gradient);
}

Tensor hardswish(const Tensor& x) {
  return activation("hardswish", x, &ActivationKernels::hardswish, From::input,
                    &ActivationKernels::hardswish_gradient);
}

Tensor leaky_relu(const Tensor& x, float slope) {
  const ActivationKernels& kernels = activation_kernels();
  Tensor y = fill_parts(x.shape(), [&](int64_t i, int64_t n, float* out) {
    kernels.leaky_relu(n, slope, x.data() + i, out);
  });
  return record("leaky_relu", {&x}, y, {{"slope", double{slope}}},
                [x = Saved(x), slope](const Tensor& g, InputGradients& into) {
                  const ActivationKernels& table = activation_kernels();
                  const float* at = x.get("leaky_relu").data();
                  into.add(0, fill_parts(g.shape(), [&](int64_t i, int64_t n, float* out) {
                             table.leaky_relu_gradient(n, slope, at + i, g.data() + i, out);
                           }));
                });
}

}  // namespace espalier
