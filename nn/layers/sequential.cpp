#include "espalier/nn/layers/sequential.h"

#include "espalier/nn/layers/fusion.h"

namespace espalier::nn {

Tensor Sequential::forward(const Tensor& x) {
  Fusion nothing;
  return forward_fused(x, nothing);
}

Tensor Sequential::forward_fused(const Tensor& x, Fusion& fusion) {
  return run_layers(children(), x, fusion);
}

}  // namespace espalier::nn
