#pragma once

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/tensor.h"

/// What operations check before they compute.
namespace espalier {

inline void require_same_shape(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape()) return;
  throw Error(operation,
              "the shapes differ: " + a.shape().to_string() + " and " + b.shape().to_string());
}

inline void require_axes(const char* operation, const char* what, const Tensor& x, int axes,
                         const char* layout) {
  if (x.shape().axes() == axes) return;
  throw Error(operation, std::string(what) + " must be " + layout + ", but its shape is " +
                             x.shape().to_string());
}

inline void require_bias(const char* operation, const Tensor& bias, int64_t outputs) {
  if (!bias.defined() || bias.shape() == Shape{outputs}) return;
  throw Error(operation, "the bias must have one value for each of the " + std::to_string(outputs) +
                             " outputs, but its shape is " + bias.shape().to_string());
}

/// Elements a thread should have to do before another one is worth waking.
constexpr int64_t elementwise_grain = 16'384;

}  // namespace espalier
