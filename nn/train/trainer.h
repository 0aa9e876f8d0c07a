#pragma once

#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/optim/optimizer.h"
#include "espalier/nn/optim/schedule.h"
#include "espalier/nn/train/callback.h"

namespace espalier::nn {

struct Evaluation {
  double accuracy = 0;  ///< fraction classified correctly
  double loss = 0;      ///< mean cross entropy
};

/// Runs the model over all samples in evaluation mode, and puts the mode back.
Evaluation evaluate(Module& model, BatchSource& samples);

/// The training loop: for each batch zero gradients, forward, cross entropy, backward, step. One
/// step in order: learning rate → listeners of the forward pass (compressors change masks here) →
/// forward → loss → backward → update → `on_step_end`.
class Trainer {
 public:
  struct Options {
    int epochs = 1;
    Schedule schedule =
        constant();  ///< multiplies the learning rate that the optimizer was made with
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
