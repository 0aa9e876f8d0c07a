#pragma once

#include "espalier/nn/module.h"

namespace espalier::nn {

/// `N×H×W×C` → `N×(C·H·W)`, channel outermost as in PyTorch, see `espalier::flatten`.
class Flatten : public Module {
 public:
  Flatten();

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
