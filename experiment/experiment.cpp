#include "espalier/experiment/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/rule_report.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/choice_pictures.h"
#include "espalier/experiment/compressors.h"
#include "espalier/experiment/mask_history.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/experiment/threshold_finder.h"
#include "espalier/experiment/training_state.h"
#include "espalier/nn/init.h"
#include "espalier/nn/train/distillation.h"
#include "espalier/nn/train/trainer.h"

namespace espalier::experiment {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t evaluation_batch = 500;

/// Removes channels that are masked whole, every few epochs and after the last.
class Shrinking : public nn::Callback {
 public:
  Shrinking(nn::Module& model, const TrainConfig& config, MaskRecorder& masks, Observer& observer)
      : model_(model), config_(config), masks_(masks), observer_(observer) {}

  void on_epoch_end(const nn::EpochReport& report) override {
    const int done = report.epoch + 1;
    if (!config_.shrink_every) return;
    if (done % *config_.shrink_every != 0 && done != config_.epochs) return;
    const auto removed = compress::remove_dead_channels(
        model_, config_.model.sample,
        {.masked_only = true,
         .on_cut = [this](const std::vector<compress::AxisCut>& cuts) { masks_.cut(cuts); }});
    if (removed.empty()) return;
    any_ = true;
    observer_.on_channels_removed(removed);
  }
  /// What there is to tell of a training in which it found nothing to do.
  std::optional<std::string> finding() const {
    if (!config_.shrink_every || any_) return {};
    return "shrink has removed nothing: no filter is masked whole together with its bias";
  }

 private:
  nn::Module& model_;
  const TrainConfig& config_;
  MaskRecorder& masks_;
  Observer& observer_;
  bool any_ = false;
};

using Compressors = std::vector<std::unique_ptr<compress::Compressor>>;

/// The sparsity of all counted weights that pruners are after at the moment; where several are at
/// work on a layer, the highest of theirs. Nothing if none is after any.
std::optional<double> target_sparsity(const std::vector<compress::LayerSparsity>& weights,
                                      const Compressors& compressors) {
  std::map<std::string, double> targets;
  for (const auto& compressor : compressors) {
    for (const compress::LayerInfo& layer : compressor->layers()) {
      if (const std::optional<double> target = compressor->target_sparsity(layer))
        targets[layer.name] = std::max(targets[layer.name], *target);
    }
  }
  if (targets.empty()) return std::nullopt;
  double masked = 0, all = 0;
  for (const compress::LayerSparsity& layer : weights) {
    const auto target = targets.find(layer.layer);
    const auto size = static_cast<double>(layer.weights);
    if (target != targets.end()) masked += target->second * size;
    all += size;
  }
  return masked / all;
}

/// Records each epoch.
class EpochLog : public nn::Callback {
 public:
  EpochLog(nn::Module& model, const Compressors& compressors, MaskRecorder& masks,
           RunFolder& folder, Observer& observer)
      : model_(model),
        compressors_(compressors),
        masks_(masks),
        folder_(folder),
        observer_(observer) {}

  void on_epoch_end(const nn::EpochReport& report) override {
    const std::vector<compress::LayerSparsity> weights = compress::layer_sparsities(model_);
    const EpochMetrics metrics =
        EpochMetrics::of(report, weights, target_sparsity(weights, compressors_));
    folder_.record(metrics, model_, masks_.records() ? masks_.end_of_epoch(model_) : "");
    observer_.on_epoch_recorded(metrics);
  }

 private:
  nn::Module& model_;
  const Compressors& compressors_;
  MaskRecorder& masks_;
  RunFolder& folder_;
  Observer& observer_;
};

/// Goes on with what the folder has. If masks of epochs that are done are not on record, no more
/// are: a history without its beginning tells nothing.
MaskRecorder mask_recorder(const nn::Module& model, const RunFolder& folder, int epochs_done) {
  const std::optional<std::string> file = recorded_file(folder.path(), run_file::mask_history);
  if (epochs_done > 0 && !file) return MaskRecorder();
  try {
    return MaskRecorder(model, file.value_or(""));
  } catch (const Error& error) {
    throw error.and_also(
        fmt::format("remove '{}/{}' to go on without it", folder.path(), run_file::mask_history));
  }
}

/// Whether a stored value has gone wrong already, which the next loss is going to show.
bool has_lost_numbers(const nn::State& state) {
  return std::any_of(state.values.begin(), state.values.end(), [](const auto& entry) {
    const Tensor* tensor = std::get_if<Tensor>(&entry.second);
    return tensor && entry.first.ends_with(".latent") &&
           std::any_of(tensor->values().begin(), tensor->values().end(),
                       [](float value) { return !std::isfinite(value); });
  });
}

/// Saves the training after each epoch, from time to time in between, and when it is to stop. The
/// last callback: what the others do at a step or epoch must be in what is saved.
class Checkpoints : public nn::Callback {
 public:
  Checkpoints(TrainingState training, RunFolder& folder, double seconds,
              const ShouldStop& should_stop)
      : training_(training), folder_(folder), seconds_(seconds), should_stop_(should_stop) {}

  void on_step_end(const nn::StepReport&) override {
    const bool stop = should_stop_ && should_stop_();
    const std::chrono::duration<double> passed = Clock::now() - saved_at_;
    if (stop || passed.count() >= seconds_) save();
    if (stop) training_.trainer.stop();
  }

  void on_epoch_end(const nn::EpochReport&) override { save(); }

 private:
  void save() {
    nn::State state = training_.save();
    if (!has_lost_numbers(state)) folder_.save(std::move(state));
    saved_at_ = Clock::now();
  }

  TrainingState training_;
  RunFolder& folder_;
  double seconds_;
  const ShouldStop& should_stop_;
  Clock::time_point saved_at_ = Clock::now();
};

/// \return whether there was anything to restore
bool restore(TrainingState& state, Checkpoint checkpoint) {
  if (!checkpoint.has_training()) return false;
  checkpoint.warn_if_elsewhere();
  state.restore(checkpoint.training);
  return true;
}

/// A sentence for everything scheduled that the training ends before.
std::vector<std::string> unfinished(const nn::Schedule& schedule,
                                    const std::optional<TeacherConfig>& teacher,
                                    const Compressors& compressors, int epochs,
                                    int64_t steps_per_epoch) {
  std::vector<nn::ScheduleEnd> ends = schedule.ends(epochs, steps_per_epoch);
  if (teacher) {
    for (nn::ScheduleEnd& end : teacher->options.ends(epochs, steps_per_epoch))
      ends.push_back(std::move(end));
  }
  std::vector<std::string> all;
  for (const nn::ScheduleEnd& end : ends) {
    std::string sentence = nn::unfinished(end, epochs);
    if (!sentence.empty()) all.push_back(std::move(sentence));
  }
  for (const auto& compressor : compressors) {
    for (std::string& sentence :
         compress::unfinished_schedules(*compressor, epochs, steps_per_epoch))
      all.push_back(std::move(sentence));
  }
  return all;
}

}  // namespace

Begin begin_of(const RunFolder& folder) {
  return folder.saved_place().empty() ? Begin::anew : Begin::from_checkpoint;
}

Experiment::Experiment(const TrainConfig& config, Begin begin)
    : config_(config), model_(config.model.make()) {
  nn::initialise(model_, config.seed);
  if (!config.start_from.empty() && begin == Begin::anew) {
    load_start_weights(model_, config.model, config.start_from, config.start_from_position);
  }
  for (const auto& [operation, kernel] : config.kernels)
    Engine::current().plan().choose(operation, kernel);
  compressors_ = make_compressors(config);
  for (const auto& compressor : compressors_) (*compressor)(model_, config.model.sample);
  if (!compressors_.empty()) config_.compress = compress::sections_as_run(compressors_);
  if (config.teacher) teacher_ = load_teacher(*config.teacher, config.model);
}

/// Where a goal is given instead of thresholds, they are found by measuring on these pictures.
void Experiment::search_thresholds_on(const ChoicePictures& pictures, SearchListener& listener) {
  for (const auto& compressor : compressors_) {
    auto* pruner = dynamic_cast<compress::SensitivityPruner*>(compressor.get());
    if (!pruner) continue;
    pruner->set_search([this, pictures, &listener](const compress::SensitivityPruner& asking) {
      return find_thresholds(model_, asking, pictures, listener);
    });
  }
}

std::optional<Outcome> Experiment::run(const TrainingData& data, RunFolder& folder,
                                       Observer& observer, const ShouldStop& should_stop) {
  datasets::Loader train(data.train, {.batch = config_.batch,
                                      .shuffle = true,
                                      .seed = config_.seed,
                                      .augment = config_.data.augment});
  datasets::Loader evaluation(data.evaluation, {.batch = evaluation_batch});
  const std::unique_ptr<nn::Optimizer> optimizer = config_.optimizer.thing(model_);
  std::unique_ptr<nn::Schedule> schedule = config_.schedule.thing();
  const std::vector<std::string> too_long =
      unfinished(*schedule, config_.teacher, compressors_, config_.epochs, train.batches());
  nn::Loss loss;  // cross entropy
  if (teacher_) {
    nn::Distillation::Options options = config_.teacher->options;
    options.label_smoothing = config_.label_smoothing;
    loss = nn::Distillation(teacher_->run.model, options);
  }
  nn::Trainer trainer(model_, *optimizer,
                      {.epochs = config_.epochs,
                       .schedule = std::move(schedule),
                       .label_smoothing = config_.label_smoothing,
                       .loss = std::move(loss)});
  search_thresholds_on(choice_pictures(config_, data), observer);
  TrainingState state{model_,          config_.model.sample, compressors_, trainer,
                      train.samples(), evaluation.samples(), teacher()};
  const bool resumed = restore(state, folder.take_checkpoint());
  folder.keep_epochs(trainer.epoch());

  if (!resumed) {
    for (const std::string& sentence : too_long) Engine::current().warn(sentence);
  }

  MaskRecorder masks = mask_recorder(model_, folder, trainer.epoch());
  Shrinking shrinking(model_, config_, masks, observer);
  EpochLog log(model_, compressors_, masks, folder, observer);
  Checkpoints checkpoints(state, folder, config_.checkpoint_seconds, should_stop);
  for (const auto& compressor : compressors_) trainer.add(*compressor);
  trainer.add(observer);
  trainer.add(shrinking);
  trainer.add(log);
  trainer.add(checkpoints);
  observer.on_start({.resumed = resumed,
                     .epoch = trainer.epoch(),
                     .epochs = config_.epochs,
                     .batch = trainer.batch(),
                     .batches = train.batches()});
  try {
    if (!trainer.fit(train, evaluation)) return std::nullopt;
  } catch (const Error& error) {
    if (folder.saved_place().empty()) throw;
    throw error.and_also("'" + folder.path() + "' still holds " + folder.saved_place());
  }
  std::vector<std::string> findings;
  for (const auto& compressor : compressors_) {
    for (const std::string& sentence : compressor->findings())
      findings.push_back(compressor->name() + " " + sentence);
  }
  // What was removed before a training was stopped is not known here.
  if (const auto finding = shrinking.finding(); finding && !resumed) findings.push_back(*finding);
  return Outcome{folder.last_metrics().value().accuracy, compress::layer_sparsities(model_),
                 too_long, findings};
}

std::optional<RunOutcome> run(Experiment& experiment, const TrainingData& data, RunFolder& folder,
                              Observer& observer, const ShouldStop& should_stop) {
  RunOutcome outcome;
  if (folder.with_dense()) {
    const TrainConfig config = experiment.config().dense();
    RunFolder dense_run = folder.below(dense_folder, config);
    observer.on_part("dense");
    outcome.dense =
        Experiment(config, begin_of(dense_run)).run(data, dense_run, observer, should_stop);
    if (!outcome.dense) return std::nullopt;
    observer.on_part("compressed");
  }
  std::optional<Outcome> compressed = experiment.run(data, folder, observer, should_stop);
  if (!compressed) return std::nullopt;
  outcome.compressed = std::move(*compressed);
  return outcome;
}

}  // namespace espalier::experiment
