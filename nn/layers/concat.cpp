#include "espalier/nn/layers/concat.h"

#include "espalier/autograd/ops.h"

namespace espalier::nn {

Tensor Concat::forward(const Tensor& x) {
  std::vector<Tensor> results;
  for (const auto& branch : children()) results.push_back((*branch)(x));
  return concat(results);
}

}  // namespace espalier::nn
