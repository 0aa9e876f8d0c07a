#include "espalier/nn/layers/linear.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"

namespace espalier::nn {

Linear::Linear(const Options& o) : Module("Linear") {
  if (o.in < 1 || o.out < 1) throw Error("Linear", "in and out must be at least 1");
  weight_ = &add_parameter("weight", Role::weight, {o.out, o.in}, kaiming_uniform(o.in));
  if (o.bias) bias_ = &add_parameter("bias", Role::bias, {o.out}, kaiming_uniform(o.in));
}

Tensor Linear::forward(const Tensor& x) {
  const Tensor weight = effective(*weight_);  // before the bias, whose grid may depend on it
  return linear(x, weight, bias_ ? effective(*bias_) : Tensor());
}

}  // namespace espalier::nn
