#pragma once

#include "espalier/nn/module.h"

namespace espalier::nn {

/// max(x, 0).
class ReLU : public Module {
 public:
  ReLU();

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
