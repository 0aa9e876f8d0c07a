#include "espalier/nn/train/trainer.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"
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
  if (options_.loss) return;
  options_.loss = [smoothing = options_.label_smoothing](const Tensor& logits, const Batch& batch,
                                                         const TrainingPosition&) {
    return cross_entropy(logits, batch.labels, {.label_smoothing = smoothing});
  };
}

bool Trainer::fit(BatchSource& train, BatchSource& evaluation) {
  if (train.batches() == 0) throw Error("trainer", "there are no samples to train on");
  for (stopping_ = false; !complete() && !stopping_;) {
    if (batch_ == 0) {
      for (Callback* callback : callbacks_) callback->on_epoch_begin(epoch_);
    }
    run_steps(train);
    if (!stopping_) finish_epoch(evaluation);
  }
  return complete();
}

void Trainer::visit_state(StateVisitor& state) {
  state("epoch", epoch_);
  state("step", step_);
  state("batch", batch_);
  state("samples", samples_);
  state("loss_sum", loss_sum_);
  state("train_seconds", train_seconds_);
  state("base_rate", base_rate_);
  {
    const StateVisitor::Scope scope(state, "optimizer");
    optimizer_.visit_state(state);
  }
  const StateVisitor::Scope scope(state, "schedule");
  options_.schedule->visit_state(state);
}

void Trainer::require_number(double number, const char* what) const {
  if (std::isfinite(number)) return;
  throw Error("trainer", std::string("the ") + what + " is no longer a number in epoch " +
                             std::to_string(epoch_ + 1) + " of " + std::to_string(options_.epochs) +
                             ", after " + std::to_string(step_) +
                             " steps; a lower learning rate usually helps");
}

void Trainer::require_statistics() const {
  std::as_const(model_).for_each_module([&](const std::string& path, const Module& module) {
    for (const auto& buffer : module.record()->buffers) {
      const std::string what = buffer->name + " of layer '" + path + "'";
      for (const float value : buffer->value.values()) require_number(double{value}, what.c_str());
    }
  });
}

void Trainer::run_steps(BatchSource& train) {
  const Stopwatch watch;
  const double seconds_before = train_seconds_;
  const int64_t batches = train.batches();
  model_.train();
  train.start_epoch_at(epoch_, batch_);
  for (Batch batch; !stopping_ && train.next(batch);) {
    Profile::lap("", "next batch", Work::data);
    FlushDenormals flush;
    const TrainingPosition at{step_, batches, options_.epochs};
    optimizer_.set_learning_rate(base_rate_ * options_.schedule->factor(at));
    optimizer_.zero_grad();
    const Tensor loss = options_.loss(model_(batch.images), batch, at);
    const double value{loss.item()};
    require_number(value, "loss");
    loss.backward();
    optimizer_.step();

    ++step_;
    ++batch_;
    samples_ += batch.labels.size();
    loss_sum_ += value * static_cast<double>(batch.labels.size());
    train_seconds_ = seconds_before + watch.seconds();
    const StepReport report{.epoch = epoch_,
                            .step = step_,
                            .batch = batch_,
                            .batches = batches,
                            .samples = samples_,
                            .loss = value,
                            .mean_loss = mean_loss(),
                            .seconds = train_seconds_};
    for (Callback* callback : callbacks_) callback->on_step_end(report);
    Profile::lap("", "callbacks", Work::other);
  }
}

void Trainer::finish_epoch(BatchSource& samples) {
  const Profile::Pause between_steps;
  const Stopwatch watch;
  const Evaluation result = evaluate(model_, samples);
  require_number(result.loss, "evaluation loss");
  require_statistics();
  options_.schedule->epoch_done({epoch_, result.loss, result.accuracy});
  const EpochReport report{.epoch = epoch_,
                           .step = step_,
                           .train_loss = mean_loss(),
                           .accuracy = result.accuracy,
                           .evaluation_loss = result.loss,
                           .learning_rate = optimizer_.learning_rate(),
                           .images_per_second = static_cast<double>(samples_) / train_seconds_,
                           .seconds = train_seconds_ + watch.seconds()};
  // First of all: whoever saves the state at the end of an epoch saves the start of the next.
  ++epoch_;
  batch_ = 0;
  samples_ = 0;
  loss_sum_ = 0;
  train_seconds_ = 0;
  for (Callback* callback : callbacks_) callback->on_epoch_end(report);
}

}  // namespace espalier::nn
