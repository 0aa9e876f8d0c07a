#include <fmt/format.h>

#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/report.h"
#include "display/text.h"
#include "display/training_display.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/experiment/experiment.h"
#include "overrides.h"

namespace espalier::app {
namespace {

using experiment::Experiment;
using experiment::Outcome;
using experiment::RunFolder;
using experiment::TrainConfig;
using experiment::TrainingData;

const Usage usage = {
    .command = "train",
    .positional = "CONFIG.yaml",
    .description =
        "Trains a network as a configuration file says, compressing it on the way, and\n"
        "leaves weights and figures in a folder. Options win over the file.",
    .options = {{"epochs", "N", "passes over the training pictures"},
                {"batch", "N", "pictures in an optimizer step"},
                {"lr", "X", "learning rate"},
                {"seed", "N", "of start values and data order"},
                {"threads", "N", "threads to compute with (default: all cores)"},
                {"data", "DIR", "where the files of the data set are"},
                {"out", "RUN", "folder for the results (default: runs/NAME-OF-CONFIG)"},
                {"with-dense", "", "train without compression first, and compare"}},
    .examples =
        "  espalier train configs/lenet5.yaml\n"
        "  espalier train configs/lenet5.yaml --epochs 3 --with-dense --out runs/try\n"
        "  espalier train runs/try/config.yaml         the same once more\n"};

/// \throws ConfigError when the pictures are not of the shape that the model takes, or of more
/// classes
void require_fitting(const TrainConfig& config, const TrainingData& data) {
  const Shape& wanted = config.model.sample;
  const Shape& given = data.train->sample_shape();
  if (wanted != given) {
    throw compress::ConfigError(
        config.model.position,
        fmt::format("model {} takes pictures of {}, but those of {} are {}", config.model.name,
                    wanted.to_string(), config.data.name, given.to_string()));
  }
  if (config.model.classes < data.train->classes()) {
    throw compress::ConfigError(
        config.model.position,
        fmt::format("model {} tells {} classes apart, but {} has {}", config.model.name,
                    config.model.classes, config.data.name, data.train->classes()));
  }
}

void print_next_steps(const RunFolder& folder, const std::string& config_path, bool could_compare) {
  std::string text =
      labelled("run", folder.path() + ": config.yaml, metrics.jsonl, model.safetensors");
  text += labelled("look at it", "espalier info " + folder.path());
  if (could_compare) {
    text += labelled("compare", "espalier train " + config_path + " --with-dense");
  }
  fmt::print("\n{}", text);
}

}  // namespace

int train(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->positional.size() != 1) {
    throw UsageError(fmt::format("train needs one CONFIG.yaml, not {}; see 'espalier train --help'",
                                 arguments->positional.size()));
  }
  const std::string config_path = arguments->positional.front();
  const TrainConfig config = read_train_config(config_path, *arguments);
  const bool with_dense = arguments->has("with-dense");
  if (with_dense && config.compress.is_null()) {
    throw UsageError("--with-dense: '" + config_path + "' compresses nothing to compare with");
  }

  ProgressLine progress(config.epochs, with_dense ? 2 : 1);
  const auto warn = [&progress](const std::string& message) {
    progress.clear();
    fmt::print(stderr, "espalier: warning: {}\n", message);
  };
  Engine engine({.threads = config.threads, .seed = config.seed, .on_warning = warn});
  EngineScope scope(engine);

  // Before anything that takes time: complaints about rules should come at once.
  Experiment experiment(config);
  const TrainingData data = experiment::open_data(config.data, config.model.sample);
  require_fitting(config, data);
  std::optional<std::string> asked_for;
  if (arguments->has("out")) asked_for = arguments->values.at("out");
  RunFolder folder = RunFolder::choose(asked_for, config_path);
  print_header(experiment, data, folder);

  std::optional<Outcome> dense;
  if (with_dense) {
    fmt::print("dense:\n");
    RunFolder dense_run = folder.below(experiment::dense_folder);
    TrainingDisplay display(progress, config.epochs, config.accuracy_name());
    dense = Experiment(config.dense()).run(data, dense_run, display);
    fmt::print("\ncompressed:\n");
  }
  TrainingDisplay display(progress, config.epochs, config.accuracy_name());
  const Outcome outcome = experiment.run(data, folder, display);

  fmt::print("\n");
  print_sparsity(outcome.weights);
  if (dense) {
    fmt::print("\n");
    print_comparison(config.accuracy_name(), *dense, outcome);
  } else {
    fmt::print("\n{}",
               labelled("result", config.accuracy_name() + " " + percent(outcome.accuracy, 2)));
  }
  print_next_steps(folder, config_path, !dense && !config.compress.is_null());
  return 0;
}

}  // namespace espalier::app
