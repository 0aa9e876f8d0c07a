#include "run/experiment.h"

#include "display/epoch_table.h"
#include "espalier/datasets/loader.h"
#include "espalier/nn/init.h"
#include "espalier/nn/train/trainer.h"

namespace espalier::app {
namespace {

constexpr int64_t evaluation_batch = 500;

/// Records and shows each epoch.
class EpochLog : public nn::Callback {
 public:
  EpochLog(const Experiment& experiment, nn::Module& model, RunFolder& folder,
           ProgressLine& progress)
      : config_(experiment.config()),
        model_(model),
        folder_(folder),
        progress_(progress),
        table_(config_.epochs, config_.accuracy_name()) {}

  void on_step_end(const nn::StepReport& report) override { progress_.show(report); }

  void on_epoch_end(const nn::EpochReport& report) override {
    outcome_ = {report.accuracy, count_weights(model_)};
    const EpochMetrics metrics = EpochMetrics::of(report, outcome_.weights);
    folder_.record(metrics, config_.accuracy_key(), model_);
    progress_.finish_epoch();
    table_.add(metrics);
  }

  const Outcome& outcome() const { return outcome_; }

 private:
  const TrainConfig& config_;
  nn::Module& model_;
  RunFolder& folder_;
  ProgressLine& progress_;
  EpochTable table_;
  Outcome outcome_;
};

}  // namespace

Experiment::Experiment(const TrainConfig& config) : config_(config), model_(config.model.make()) {
  nn::initialise(model_, config.seed);
  compressors_ = compress::Registry::with_builtin().make_all(config.compress);
  for (const auto& compressor : compressors_) (*compressor)(model_);
}

Outcome Experiment::run(const TrainingData& data, RunFolder& folder, ProgressLine& progress) {
  folder.write_config(config_.to_value());
  datasets::Loader train(data.train,
                         {.batch = config_.batch, .shuffle = true, .seed = config_.seed});
  datasets::Loader evaluation(data.evaluation, {.batch = evaluation_batch});
  const std::unique_ptr<nn::Optimizer> optimizer = config_.optimizer.thing(model_);
  nn::Trainer trainer(model_, *optimizer,
                      {.epochs = config_.epochs, .schedule = config_.schedule.thing()});
  EpochLog log(*this, model_, folder, progress);
  for (const auto& compressor : compressors_) trainer.add(*compressor);
  trainer.add(log);
  trainer.fit(train, evaluation);
  return log.outcome();
}

}  // namespace espalier::app
