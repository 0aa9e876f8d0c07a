#pragma once

#include "espalier/autograd/updates.h"
#include "espalier/nn/optim/optimizer.h"

namespace espalier::nn {

/// Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1), decay·w added to the gradient:
/// m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= lr·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
class Adam : public Optimizer {
 public:
  struct Options {
    double lr = 0.001;
    double beta1 = 0.9, beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
  };
  /// \throws Error for negative values or β outside [0, 1)
  Adam(Module& model, const Options& options);

 protected:
  /// For relatives of another name. \throws Error as above
  Adam(Module& model, const char* name, const AdamSettings& settings);

 private:
  void update(ParameterUpdate& parameter) override;
  AdamSettings settings_;  // its learning rate is set at each step
};

}  // namespace espalier::nn
