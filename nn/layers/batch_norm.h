#pragma once

#include <cstdint>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// Batch normalisation, see `espalier::batch_norm`. Scale γ is the parameter `weight`, shift β the
/// parameter `bias`, both `channels`; the buffers are `running_mean` and `running_var`: PyTorch's
/// names. Input and output `N×H×W×channels`, or any other shape that ends in the channels.
class BatchNorm2d : public Module {
 public:
  struct Options {
    int64_t channels = 0;
    double epsilon = 1e-5;
    double momentum = 0.1;  ///< share of the newest batch in the running statistics
  };
  /// \throws Error without a channel, for an epsilon that is not above 0 or a momentum outside 0…1
  explicit BatchNorm2d(const Options& options);

  /// Mean 0 and variance 1.
  void restart_buffers() override;

  /// From now on training normalises with the running statistics too and leaves them as they are;
  /// γ and β are trained on.
  void freeze_statistics(bool on = true) { frozen_ = on; }
  /// While on, evaluation normalises with the statistics of the batch too, and the running ones
  /// become the mean of those of all batches since it was switched on.
  void recalibrate(bool on = true);
  /// γ/√(running variance + ε) for each channel: what evaluation multiplies it by.
  std::vector<float> folding_factors() const;

 private:
  Tensor forward(const Tensor& x) override;
  Tensor forward_fused(const Tensor& x, Fusion& fusion) override;
  double epsilon_, momentum_;
  bool frozen_ = false;
  bool recalibrates_ = false;
  int64_t batches_ = 0;  // since it was switched on
  Parameter *scale_, *shift_;
  NamedBuffer *mean_, *variance_;
};

}  // namespace espalier::nn
