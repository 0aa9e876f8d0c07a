#pragma once

#include "espalier/nn/optim/adam.h"

namespace espalier::nn {

/// Adam with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2): first
/// w −= lr·decay·w, then Adam's step from a gradient without decay. As in PyTorch the decay is
/// multiplied by the learning rate, so a schedule acts on both.
class AdamW : public Adam {
 public:
  struct Options {
    double lr = 0.001;
    double beta1 = 0.9, beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;
  };
  /// \throws Error for negative values or β outside [0, 1)
  AdamW(Module& model, const Options& options);
};

}  // namespace espalier::nn
