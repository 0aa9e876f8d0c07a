#pragma once

#include "espalier/nn/optim/optimizer.h"

namespace espalier::nn {

/// RMSprop (Tieleman & Hinton, *Neural Networks for Machine Learning*, lecture 6.5, 2012), with
/// PyTorch's place for ε: d = g + decay·w; s = α·s + (1−α)·d²; u = d/(√s + ε); w −= lr·u.
/// With momentum v = momentum·v + u and w −= lr·v. Centered (Graves, arXiv 1308.0850, eq. 38–42)
/// divides by √(s − m²) + ε, where m = α·m + (1−α)·d.
class RMSprop : public Optimizer {
 public:
  struct Options {
    double lr = 0.01;
    double alpha = 0.99;
    double epsilon = 1e-8;
    double momentum = 0;
    double weight_decay = 0;
    bool centered = false;
  };
  /// \throws Error for negative values, or alpha or momentum outside [0, 1)
  RMSprop(Module& model, const Options& options);

 private:
  void update(ParameterUpdate& parameter) override;
  Options options_;
};

}  // namespace espalier::nn
