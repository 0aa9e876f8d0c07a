#pragma once

#include "espalier/autograd/ops.h"
#include "espalier/nn/module.h"

namespace espalier::nn {

/// The largest value of each window, see `espalier::max_pool2d`. `N×H×W×C` → `N×P×Q×C`.
class MaxPool2d : public Module {
 public:
  using Options = MaxPool2dOptions;
  explicit MaxPool2d(const Options& options);

 private:
  Tensor forward(const Tensor& x) override;
  Options options_;
};

}  // namespace espalier::nn
