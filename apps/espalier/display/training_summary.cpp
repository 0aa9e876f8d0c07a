#include "display/training_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/rule_report.h"
#include "espalier/experiment/timeline.h"

namespace espalier::app {

using compress::LayerSparsity;
using experiment::DataConfig;
using experiment::Experiment;
using experiment::Outcome;
using experiment::Teacher;
using experiment::TeacherConfig;
using experiment::TrainConfig;
using experiment::TrainingData;

namespace {

std::string describe(const DataConfig& config, const TrainingData& data) {
  return fmt::format("{}: {} training and {} {} pictures, {}", config.name,
                     grouped(data.train->size()), grouped(data.evaluation->size()),
                     config.hold_out > 0 ? "held-out validation" : "test",
                     data.train->sample_shape().to_string());
}

/// A value for reading: 0.0005 and not 5e-04, and `cosine` or `step: every 3` for a choice.
std::string plain(const compress::Value& value) {
  if (value.is_list()) {
    std::string text;
    for (const compress::Value& item : value.as_list())
      text += (text.empty() ? "" : " ") + plain(item);
    return text;
  }
  if (value.is_map() && value.as_map().size() == 1) {
    const compress::Member& choice = value.as_map().front();
    if (choice.value.is_map()) return app::describe(choice.key, choice.value);
  }
  if (value.is_text()) return value.as_text();
  if (value.is_number() && !value.is_integer()) return fmt::format("{:g}", value.as_number());
  return value.describe();
}

std::string describe(const Teacher& teacher, const TeacherConfig& config) {
  const TrainConfig& own = teacher.run.config;
  std::string text = teacher.folder + ": " + own.model.name;
  if (teacher.run.last)
    text += fmt::format(", {} {}", own.accuracy_name(), percent(teacher.run.last->accuracy, 2));
  const nn::Distillation::Options& options = config.options;
  text += fmt::format("; temperature {:g}, weight {:g}", options.temperature, options.weight);
  if (options.start > 0)
    text += fmt::format(", from {} {} on", nn::name_of(options.unit), options.start);
  if (options.end) text += fmt::format(", before {} {}", nn::name_of(options.unit), *options.end);
  return text;
}

}  // namespace

std::string describe(const std::string& name, const compress::Value& options) {
  std::string text = name;
  for (const compress::Member& option : options.as_map()) {
    text += (text == name ? ": " : ", ") + option.key + " " + plain(option.value);
  }
  return text;
}

std::string describe_compression(const Experiment& experiment) {
  if (experiment.compressors().empty()) return labelled("compress", "nothing");
  std::string text;
  for (const auto& compressor : experiment.compressors()) {
    const char* between = compressor->rules().empty() ? ": " : " ";
    for (const std::string& line : compress::summarise_rules(*compressor))
      text += labelled(text.empty() ? "compress" : "", compressor->name() + between + line);
  }
  return text;
}

std::string describe_machine(int threads) {
  return fmt::format("{} thread{}, {} kernels, {} oneDNN", threads, threads == 1 ? "" : "s",
                     to_string(Engine::current().instruction_set()),
                     ESPALIER_HAS_ONEDNN ? "with" : "without");
}

void print_header(Experiment& experiment, const TrainingData& data, const std::string& folder) {
  const TrainConfig& config = experiment.config();
  std::string text = labelled("model", fmt::format("{}, {} parameters", config.model.name,
                                                   grouped(experiment.model().parameter_count())));
  text += labelled("data", describe(config.data, data));
  text +=
      labelled("training", fmt::format("{} epoch{}, batch {}, seed {}", config.epochs,
                                       config.epochs == 1 ? "" : "s", config.batch, config.seed));
  text += labelled("optimizer", describe(config.optimizer.name, config.optimizer.options));
  text += labelled("schedule", describe(config.schedule.name, config.schedule.options));
  if (!config.start_from.empty()) text += labelled("start from", config.start_from);
  if (const Teacher* teacher = experiment.teacher())
    text += labelled("teacher", describe(*teacher, *config.teacher));
  text += describe_compression(experiment);
  text += labelled("machine", describe_machine(config.threads));
  if (!folder.empty()) text += labelled("run", folder);
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void print_timeline(Experiment& experiment, const TrainingData& data) {
  const TrainConfig& config = experiment.config();
  const int64_t steps = (data.train->size() + config.batch - 1) / config.batch;
  fmt::print("{} steps an epoch, {} in all; epochs and steps count from 0\n\n", grouped(steps),
             grouped(steps * config.epochs));
  fmt::print("{:>5}  {:>9}  {:>13}\n", "epoch", "step", "learning rate");
  for (const experiment::TimelineEvent& event : experiment::timeline(experiment, steps)) {
    const std::string rate = event.learning_rate ? fmt::format("{:.4g}", *event.learning_rate) : "";
    fmt::print("{:>5}  {:>9}  {:>13}  {}\n", event.step / steps, grouped(event.step), rate,
               event.what);
  }
}

void print_sparsity(const std::vector<LayerSparsity>& layers) {
  std::vector<LayerSparsity> rows = layers;
  rows.push_back(total_sparsity(layers));
  int name_width = columns("layer");
  for (const LayerSparsity& row : rows) name_width = std::max(name_width, columns(row.layer));
  const auto print = [&](const std::string& layer, const std::string& weights,
                         const std::string& nonzero, const std::string& sparsity) {
    fmt::print("{}  {:>13}  {:>13}  {:>8}\n", padded_right(layer, name_width), weights, nonzero,
               sparsity);
  };
  print("layer", "weights", "non-zero", "sparsity");
  for (const LayerSparsity& row : rows) {
    print(row.layer, grouped(row.weights), grouped(row.nonzero), percent(row.sparsity(), 1));
  }
}

void print_comparison(const std::string& accuracy_name, const Outcome& dense,
                      const Outcome& compressed) {
  const LayerSparsity before = total_sparsity(dense.weights),
                      after = total_sparsity(compressed.weights);
  const auto print = [&](const std::string& name, const std::string& accuracy,
                         const std::string& nonzero, const std::string& sparsity) {
    fmt::print("{:<10}  {:>{}}  {:>25}  {:>8}\n", name, accuracy, accuracy_name.size(), nonzero,
               sparsity);
  };
  const auto row = [&](const std::string& name, const Outcome& outcome,
                       const LayerSparsity& count) {
    print(name, percent(outcome.accuracy, 2),
          fmt::format("{} of {}", grouped(count.nonzero), grouped(count.weights)),
          percent(count.sparsity(), 1));
  };
  print("", accuracy_name, "non-zero weights", "sparsity");
  row("dense", dense, before);
  row("compressed", compressed, after);
  fmt::print("{:<10}  {:>{}} points\n", "difference",
             fmt::format("{:+.2f}", 100 * (compressed.accuracy - dense.accuracy)),
             std::max<size_t>(accuracy_name.size(), 7) - 7);
}

}  // namespace espalier::app
