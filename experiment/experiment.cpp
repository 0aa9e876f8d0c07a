#include "espalier/experiment/experiment.h"

#include "espalier/datasets/loader.h"
#include "espalier/nn/init.h"
#include "espalier/nn/train/trainer.h"

namespace espalier::experiment {
namespace {

constexpr int64_t evaluation_batch = 500;

/// Records each epoch.
class EpochLog : public nn::Callback {
 public:
  EpochLog(const TrainConfig& config, nn::Module& model, RunFolder& folder, Observer& observer)
      : config_(config), model_(model), folder_(folder), observer_(observer) {}

  void on_epoch_end(const nn::EpochReport& report) override {
    outcome_ = {report.accuracy, compress::layer_sparsities(model_)};
    const EpochMetrics metrics = EpochMetrics::of(report, outcome_.weights);
    folder_.record(metrics, config_.accuracy_key(), model_);
    observer_.on_epoch_recorded(metrics);
  }

  const Outcome& outcome() const { return outcome_; }

 private:
  const TrainConfig& config_;
  nn::Module& model_;
  RunFolder& folder_;
  Observer& observer_;
  Outcome outcome_;
};

}  // namespace

Experiment::Experiment(const TrainConfig& config) : config_(config), model_(config.model.make()) {
  nn::initialise(model_, config.seed);
  compressors_ = compress::Registry::with_builtin().make_all(config.compress);
  for (const auto& compressor : compressors_) (*compressor)(model_);
}

Outcome Experiment::run(const TrainingData& data, RunFolder& folder, Observer& observer) {
  folder.write_config(config_.to_value());
  datasets::Loader train(data.train, {.batch = config_.batch,
                                      .shuffle = true,
                                      .seed = config_.seed,
                                      .augment = config_.data.augment});
  datasets::Loader evaluation(data.evaluation, {.batch = evaluation_batch});
  const std::unique_ptr<nn::Optimizer> optimizer = config_.optimizer.thing(model_);
  nn::Trainer trainer(model_, *optimizer,
                      {.epochs = config_.epochs, .schedule = config_.schedule.thing()});
  EpochLog log(config_, model_, folder, observer);
  for (const auto& compressor : compressors_) trainer.add(*compressor);
  trainer.add(observer);
  trainer.add(log);
  trainer.fit(train, evaluation);
  return log.outcome();
}

}  // namespace espalier::experiment
