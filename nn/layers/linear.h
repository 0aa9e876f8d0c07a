#pragma once

#include <cstdint>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// Fully connected layer, y = x·Wᵀ + b. Weight `out×in`, bias `out`. Input `N×in`, output `N×out`.
class Linear : public Module {
 public:
  struct Options {
    int64_t in = 0, out = 0;
    bool bias = true;
  };
  /// \throws Error for sizes below 1
  explicit Linear(const Options& options);

 private:
  Tensor forward(const Tensor& x) override;
  Parameter* weight_;
  Parameter* bias_ = nullptr;
};

}  // namespace espalier::nn
