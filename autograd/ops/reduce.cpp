#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"

namespace espalier {

Tensor sum(const Tensor& x) {
  const double total = backend::vector_kernels().sum(x.size(), x.data());
  return record("sum", {&x}, Tensor::scalar(static_cast<float>(total)), {},
                [shape = x.shape()](const Tensor& g, InputGradients& into) {
                  into.add(0, Tensor::full(shape, g.item()));
                });
}

Tensor mean(const Tensor& x) {
  if (x.size() == 0) throw Error("mean", "the tensor has no elements");
  const double count = static_cast<double>(x.size());
  const double total = backend::vector_kernels().sum(x.size(), x.data());
  return record("mean", {&x}, Tensor::scalar(static_cast<float>(total / count)), {},
                [shape = x.shape(), count](const Tensor& g, InputGradients& into) {
                  into.add(0, Tensor::full(shape, static_cast<float>(g.item() / count)));
                });
}

}  // namespace espalier
