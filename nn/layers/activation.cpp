#include "espalier/nn/layers/activation.h"

#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"

namespace espalier::nn {

ReLU::ReLU() : Module("ReLU") {}

Tensor ReLU::forward(const Tensor& x) {
  return relu(x);
}

ReLU6::ReLU6() : Module("ReLU6") {}

Tensor ReLU6::forward(const Tensor& x) {
  return relu6(x);
}

LeakyReLU::LeakyReLU() : LeakyReLU(Options{}) {}

LeakyReLU::LeakyReLU(const Options& options) : Module("LeakyReLU"), options_(options) {
  if (!std::isfinite(options.slope)) throw Error("LeakyReLU", "slope must be a finite number");
}

Tensor LeakyReLU::forward(const Tensor& x) {
  return leaky_relu(x, options_.slope);
}

Sigmoid::Sigmoid() : Module("Sigmoid") {}

Tensor Sigmoid::forward(const Tensor& x) {
  return sigmoid(x);
}

Tanh::Tanh() : Module("Tanh") {}

Tensor Tanh::forward(const Tensor& x) {
  return tanh(x);
}

GELU::GELU() : Module("GELU") {}

Tensor GELU::forward(const Tensor& x) {
  return gelu(x);
}

Hardswish::Hardswish() : Module("Hardswish") {}

Tensor Hardswish::forward(const Tensor& x) {
  return hardswish(x);
}

}  // namespace espalier::nn
