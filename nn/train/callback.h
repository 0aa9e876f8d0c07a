#pragma once

#include <cstdint>

namespace espalier::nn {

/// One finished optimizer step.
struct StepReport {
  int epoch;         ///< from 0
  int64_t step;      ///< steps done over all epochs, this one included
  int64_t batch;     ///< batches done in this epoch, this one included
  int64_t batches;   ///< batches of an epoch
  int64_t samples;   ///< samples seen in this epoch
  double loss;       ///< of this batch
  double mean_loss;  ///< over this epoch's samples so far
  double seconds;    ///< spent training in this epoch so far
};

/// One finished epoch.
struct EpochReport {
  int epoch;                 ///< from 0
  int64_t step;              ///< optimizer steps done over all epochs
  double train_loss;         ///< mean over the epoch's samples, as seen while training
  double accuracy;           ///< fraction of the evaluation samples classified correctly
  double evaluation_loss;    ///< mean over the evaluation samples
  double learning_rate;      ///< of the epoch's last step
  double images_per_second;  ///< of training, evaluation not counted
  double seconds;            ///< of the whole epoch
};

/// Follows a training. Every function may be left out.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_epoch_begin(int /*epoch*/) {}
  virtual void on_step_end(const StepReport&) {}
  virtual void on_epoch_end(const EpochReport&) {}
};

}  // namespace espalier::nn
