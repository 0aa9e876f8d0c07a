#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/fill_parts.h"

namespace espalier {
namespace {

using backend::activation_kernels, backend::ActivationKernels;
using Function = void (*ActivationKernels::*)(int64_t rows, int64_t columns, const float* x,
                                              float* y);
using Slope = void (*ActivationKernels::*)(int64_t rows, int64_t columns, const float* y,
                                           const float* g, float* gx);

/// y = function(x), row by row, with the gradient that `slope` computes from y.
Tensor along_rows(const char* name, const Tensor& x, Function function, Slope slope) {
  require_axes(name, "the input", x, 2, "rows×classes");
  const int64_t rows = x.shape()[0], columns = x.shape()[1];
  if (columns == 0) throw Error(name, "the rows of the input are empty");
  const ActivationKernels& kernels = activation_kernels();
  Tensor y = fill_rows(rows, columns, [&](int64_t r, int64_t n, float* out) {
    (kernels.*function)(n, columns, x.data() + r * columns, out);
  });
  return record(name, {&x}, y, {},
                [name, slope, y = Saved(y), rows, columns](const Tensor& g, InputGradients& into) {
                  const ActivationKernels& table = activation_kernels();
                  const float* result = y.get(name).data();
                  into.add(0, fill_rows(rows, columns, [&](int64_t r, int64_t n, float* out) {
                             const int64_t at = r * columns;
                             (table.*slope)(n, columns, result + at, g.data() + at, out);
                           }));
                });
}

}  // namespace

Tensor softmax(const Tensor& x) {
  return along_rows("softmax", x, &ActivationKernels::softmax,
                    &ActivationKernels::softmax_gradient);
}

Tensor log_softmax(const Tensor& x) {
  return along_rows("log_softmax", x, &ActivationKernels::log_softmax,
                    &ActivationKernels::log_softmax_gradient);
}

}  // namespace espalier
