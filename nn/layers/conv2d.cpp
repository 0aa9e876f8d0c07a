#include "espalier/nn/layers/conv2d.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

Conv2d::Conv2d(const Options& o)
    : Module("Conv2d"), geometry_{o.stride, o.padding, o.dilation, o.groups} {
  if (std::min({o.in, o.out, o.kernel, o.stride, o.dilation, o.groups}) < 1 || o.padding < 0) {
    throw Error(
        "Conv2d",
        "in, out, kernel, stride, dilation and groups must be at least 1, padding at least 0");
  }
  if (o.in % o.groups != 0 || o.out % o.groups != 0) {
    throw Error("Conv2d", "in = " + std::to_string(o.in) + " and out = " + std::to_string(o.out) +
                              " must both be divisible by groups = " + std::to_string(o.groups));
  }
  filters_per_group_ = o.out / o.groups;
  const int64_t fan_in = o.kernel * o.kernel * (o.in / o.groups);
  weight_ = &add_parameter("weight", Role::weight, {o.out, o.kernel, o.kernel, o.in / o.groups},
                           kaiming_uniform(fan_in));
  if (o.bias) bias_ = &add_parameter("bias", Role::bias, {o.out}, kaiming_uniform(fan_in));
}

Tensor Conv2d::forward(const Tensor& x) {
  const Tensor weight = effective(*weight_);  // before the bias, whose grid may depend on it
  Conv2dOptions geometry = geometry_;
  if (geometry.groups > 1) geometry.groups = weight.shape()[0] / filters_per_group_;
  return conv2d(x, weight, bias_ ? effective(*bias_) : Tensor(), geometry);
}

}  // namespace espalier::nn
