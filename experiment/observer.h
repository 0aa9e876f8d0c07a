#pragma once

#include "espalier/experiment/epoch_metrics.h"
#include "espalier/nn/train/callback.h"

namespace espalier::experiment {

/// Follows an experiment. Every function may be left out.
class Observer : public nn::Callback {
 public:
  /// An epoch is over, and the run's folder holds its figures and weights.
  virtual void on_epoch_recorded(const EpochMetrics&) {}
};

}  // namespace espalier::experiment
