#include "espalier/nn/layers/activation.h"

#include "espalier/autograd/ops.h"

namespace espalier::nn {

ReLU::ReLU() : Module("ReLU") {}

Tensor ReLU::forward(const Tensor& x) {
  return relu(x);
}

}  // namespace espalier::nn
