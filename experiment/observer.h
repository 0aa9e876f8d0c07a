#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/structure/channel_removal.h"
#include "espalier/experiment/epoch_metrics.h"
#include "espalier/experiment/threshold_finder.h"
#include "espalier/nn/train/callback.h"

namespace espalier::experiment {

/// A training is about to begin, or to go on.
struct TrainingStart {
  bool resumed;            ///< it goes on from a checkpoint
  int epoch;               ///< epochs that are done
  int epochs;              ///< of the whole training
  int64_t batch, batches;  ///< those that are done in the next epoch, and all of an epoch
};

/// Follows a run. Every function may be left out.
class Observer : public nn::Callback, public SearchListener {
 public:
  /// Of a run of two trainings, this one comes now: `dense` or `compressed`.
  virtual void on_part(const std::string& /*name*/) {}
  virtual void on_start(const TrainingStart&) {}
  /// Channels have been removed, at the end of an epoch.
  virtual void on_channels_removed(const std::vector<compress::RemovedChannels>&) {}
  /// An epoch is over, and the run's folder holds its figures and weights.
  virtual void on_epoch_recorded(const EpochMetrics&) {}
};

}  // namespace espalier::experiment
