#include "espalier/nn/layers/sequential.h"

namespace espalier::nn {

Tensor Sequential::forward(const Tensor& x) {
  Tensor value = x;
  for (const auto& layer : children()) value = (*layer)(value);
  return value;
}

}  // namespace espalier::nn
