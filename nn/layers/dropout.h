#pragma once

#include "espalier/nn/module.h"

namespace espalier::nn {

/// In training each value is set to 0 with probability p and multiplied by 1/(1 − p) otherwise; in
/// evaluation values pass unchanged (Srivastava et al., JMLR 15, 2014, in the inverted form).
///
/// Which ones are dropped follows from the seed, the path of the layer in the network, the number
/// of forward passes before and the position of the value: from nothing else, so that a training is
/// repeated exactly on any number of threads, and goes on exactly where it stopped. The seed is the
/// engine's, or the one last given to `initialise`.
class Dropout : public Module {
 public:
  struct Options {
    double p = 0.5;
  };
  Dropout();
  /// \throws Error unless 0 ≤ p < 1
  explicit Dropout(const Options& options);

  double p() const { return options_.p; }
  /// \throws Error unless 0 ≤ p < 1
  void set_p(double p);
  void visit_state(StateVisitor& state) override;

 private:
  Tensor forward(const Tensor& x) override;
  Options options_;
};

}  // namespace espalier::nn
