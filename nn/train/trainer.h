#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/optim/optimizer.h"
#include "espalier/nn/optim/schedule.h"
#include "espalier/nn/train/callback.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::nn {

/// What a training minimises, a scalar: from the logits that the model has made of a batch's
/// images, and when that is.
using Loss =
    std::function<Tensor(const Tensor& logits, const Batch& batch, const TrainingPosition& at)>;

/// The training loop: for each batch zero gradients, forward, loss, backward, step. One
/// step in order: learning rate → listeners of the forward pass (compressors change masks here) →
/// forward → loss → backward → update → `on_step_end`.
class Trainer {
 public:
  struct Options {
    int epochs = 1;
    /// Multiplies the learning rate that the optimizer was made with.
    std::unique_ptr<Schedule> schedule = constant();
    double label_smoothing = 0;  ///< of the training loss, see `cross_entropy`
    Loss loss = {};  ///< instead of cross entropy, whose `label_smoothing` does not count then
  };
  Trainer(Module& model, Optimizer& optimizer, Options options);

  /// Called in the order added. The callback must outlive the training.
  void add(Callback& callback) { callbacks_.push_back(&callback); }

  /// Trains from where it stands, and evaluates after each epoch. After `stop` it returns false,
  /// and may be called again; after the last epoch true. \throws Error naming epoch and step when a
  /// loss is no longer a number
  bool fit(BatchSource& train, BatchSource& evaluation);

  /// For callbacks: ends `fit` when all callbacks have heard of the running step or epoch.
  void stop() { stopping_ = true; }

  /// Where the training stands.
  int epoch() const { return epoch_; }      ///< epochs that are done
  int64_t batch() const { return batch_; }  ///< batches done in the epoch after those
  int64_t step() const { return step_; }    ///< optimizer steps done
  bool complete() const { return epoch_ == options_.epochs; }

  /// Visits where the training stands, the schedule and the optimizer (its slots belong to the
  /// model, see `visit_model_state`). To be called from `on_step_end` or `on_epoch_end`, or while
  /// `fit` does not run. With model and callbacks restored too, `fit` goes on exactly: an epoch
  /// that was under way is not announced again with `on_epoch_begin`.
  void visit_state(StateVisitor& state);

 private:
  void run_steps(BatchSource& train);
  void finish_epoch(BatchSource& evaluation);
  void require_number(double number, const char* what) const;
  /// Running statistics can run away while activations that are limited keep the loss a number.
  void require_statistics() const;
  double mean_loss() const { return loss_sum_ / static_cast<double>(samples_); }

  Module& model_;
  Optimizer& optimizer_;
  Options options_;
  double base_rate_;
  std::vector<Callback*> callbacks_;
  bool stopping_ = false;

  int epoch_ = 0;
  int64_t step_ = 0;
  // Of the running epoch:
  int64_t batch_ = 0, samples_ = 0;
  double loss_sum_ = 0;       // over samples
  double train_seconds_ = 0;  // without evaluation
};

}  // namespace espalier::nn
