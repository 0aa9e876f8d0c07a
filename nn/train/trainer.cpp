#include "espalier/nn/train/trainer.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/nn/loss.h"

namespace espalier::nn {
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

Trainer::Trainer(Module& model, Optimizer& optimizer, Options options)
    : model_(model),
      optimizer_(optimizer),
      options_(std::move(options)),
      base_rate_(optimizer.learning_rate()) {
  if (options_.epochs < 1)
    throw Error("trainer", "epochs must be at least 1, not " + std::to_string(options_.epochs));
  if (!options_.schedule) throw Error("trainer", "the schedule must not be null");
}

void Trainer::fit(BatchSource& train, BatchSource& evaluation) {
  if (train.batches() == 0) throw Error("trainer", "there are no samples to train on");
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    const Stopwatch watch;
    for (Callback* callback : callbacks_) callback->on_epoch_begin(epoch);
    EpochReport report = run_epoch(epoch, train);
    const Evaluation result = evaluate(model_, evaluation);
    require_number(result.loss, "evaluation loss", epoch);
    report.accuracy = result.accuracy;
    report.evaluation_loss = result.loss;
    report.seconds = watch.seconds();
    options_.schedule->epoch_done({epoch, result.loss, result.accuracy});
    for (Callback* callback : callbacks_) callback->on_epoch_end(report);
  }
}

void Trainer::require_number(double loss, const char* what, int epoch) const {
  if (std::isfinite(loss)) return;
  throw Error("trainer", std::string("the ") + what + " is no longer a number in epoch " +
                             std::to_string(epoch + 1) + " of " + std::to_string(options_.epochs) +
                             ", after " + std::to_string(step_) +
                             " steps; a lower learning rate usually helps");
}

EpochReport Trainer::run_epoch(int epoch, BatchSource& train) {
  const Stopwatch watch;
  model_.train();
  StepReport at{.epoch = epoch,
                .step = step_,
                .batch = 0,
                .batches = train.batches(),
                .samples = 0,
                .loss = 0,
                .mean_loss = 0,
                .seconds = 0};
  double loss_sum = 0;
  train.start_epoch(epoch);
  for (Batch batch; train.next(batch);) {
    FlushDenormals flush;
    optimizer_.set_learning_rate(base_rate_ *
                                 options_.schedule->factor({step_, at.batches, options_.epochs}));
    optimizer_.zero_grad();
    const Tensor loss = cross_entropy(model_(batch.images), batch.labels,
                                      {.label_smoothing = options_.label_smoothing});
    at.loss = double{loss.item()};
    require_number(at.loss, "loss", epoch);
    loss.backward();
    optimizer_.step();

    at.step = ++step_;
    ++at.batch;
    at.samples += batch.labels.size();
    loss_sum += at.loss * static_cast<double>(batch.labels.size());
    at.mean_loss = loss_sum / static_cast<double>(at.samples);
    at.seconds = watch.seconds();
    for (Callback* callback : callbacks_) callback->on_step_end(at);
  }
  return {.epoch = epoch,
          .step = step_,
          .train_loss = at.mean_loss,
          .accuracy = 0,
          .evaluation_loss = 0,
          .learning_rate = optimizer_.learning_rate(),
          .images_per_second = static_cast<double>(at.samples) / at.seconds,
          .seconds = 0};
}

}  // namespace espalier::nn
