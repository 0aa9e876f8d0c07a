#pragma once

#include <memory>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/optim/optimizer.h"
#include "espalier/nn/optim/schedule.h"
#include "espalier/nn/train/callback.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::nn {

/// The training loop: for each batch zero gradients, forward, cross entropy, backward, step. One
/// step in order: learning rate → listeners of the forward pass (compressors change masks here) →
/// forward → loss → backward → update → `on_step_end`.
class Trainer {
 public:
  struct Options {
    int epochs = 1;
    /// Multiplies the learning rate that the optimizer was made with.
    std::unique_ptr<Schedule> schedule = constant();
    double label_smoothing = 0;  ///< of the training loss, see `cross_entropy`
  };
  Trainer(Module& model, Optimizer& optimizer, Options options);

  /// Called in the order added. The callback must outlive the training.
  void add(Callback& callback) { callbacks_.push_back(&callback); }

  /// Trains, and evaluates after each epoch.
  /// \throws Error naming epoch and step when a loss is no longer a number
  void fit(BatchSource& train, BatchSource& evaluation);

 private:
  EpochReport run_epoch(int epoch, BatchSource& train);
  void require_number(double loss, const char* what, int epoch) const;

  Module& model_;
  Optimizer& optimizer_;
  Options options_;
  double base_rate_;
  int64_t step_ = 0;
  std::vector<Callback*> callbacks_;
};

}  // namespace espalier::nn
