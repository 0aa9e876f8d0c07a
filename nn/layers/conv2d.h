#pragma once

#include <cstdint>

#include "espalier/autograd/ops.h"
#include "espalier/nn/module.h"

namespace espalier::nn {

/// Convolution, see `espalier::conv2d`. Weight `out×kernel×kernel×(in/groups)`, bias `out`.
/// Input `N×H×W×in`, output `N×P×Q×out`. All sizes are those of the weight at the moment; a layer
/// of several groups that loses channels loses whole groups.
class Conv2d : public Module {
 public:
  struct Options {
    int64_t in = 0, out = 0;  ///< channels
    int64_t kernel = 0;
    int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
    bool bias = true;
  };
  /// \throws Error for sizes below 1 or channels that cannot be divided into the groups
  explicit Conv2d(const Options& options);

 private:
  Tensor forward(const Tensor& x) override;
  Conv2dOptions geometry_;
  int64_t filters_per_group_;
  Parameter* weight_;
  Parameter* bias_ = nullptr;
};

}  // namespace espalier::nn
