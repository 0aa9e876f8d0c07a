#pragma once

#include "espalier/nn/optim/optimizer.h"

namespace espalier::nn {

/// Stochastic gradient descent:
/// d = g + decay·w; v = momentum·v + d; w −= lr·v, or with Nesterov w −= lr·(d + momentum·v).
class SGD : public Optimizer {
 public:
  struct Options {
    double lr = 0.01;
    double momentum = 0;
    double weight_decay = 0;
    bool nesterov = false;
  };
  /// \throws Error for negative values, momentum ≥ 1, or Nesterov without momentum
  SGD(Module& model, const Options& options);

 private:
  void update(ParameterUpdate& parameter) override;
  Options options_;
};

}  // namespace espalier::nn
