#include "espalier/nn/layers/flatten.h"

#include "espalier/autograd/ops.h"

namespace espalier::nn {

Flatten::Flatten() : Module("Flatten") {}

Tensor Flatten::forward(const Tensor& x) {
  return flatten(x);
}

}  // namespace espalier::nn
