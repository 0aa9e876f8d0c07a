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

/// The mean of each window, see `espalier::avg_pool2d`. `N×H×W×C` → `N×P×Q×C`.
class AvgPool2d : public Module {
 public:
  using Options = AvgPool2dOptions;
  explicit AvgPool2d(const Options& options);

 private:
  Tensor forward(const Tensor& x) override;
  Options options_;
};

/// The mean over all pixels, see `espalier::global_avg_pool2d`. `N×H×W×C` → `N×C`: a `Linear` may
/// follow as it is.
class GlobalAvgPool2d : public Module {
 public:
  GlobalAvgPool2d();

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
