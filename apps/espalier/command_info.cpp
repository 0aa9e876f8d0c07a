#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/report.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/version.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/sparsity.h"
#include "espalier/experiment/layers/layer_kinds.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/models.h"
#include "espalier/nn/summary.h"

namespace espalier::app {
namespace {

using experiment::EpochMetrics;
using experiment::Experiment;
using experiment::ModelConfig;
using experiment::Outcome;
using experiment::RecordedRun;
using experiment::TrainConfig;

namespace fs = std::filesystem;

const Usage usage = {
    .command = "info",
    .positional = "[RUN|CONFIG.yaml|NET.yaml]",
    .description =
        "Without an argument: the version, this machine, and the names that configurations\n"
        "may use. With one: the network of a run, of a configuration, or of a file of its\n"
        "own, layer by layer, and how the run ended.",
    .options = {},
    .examples =
        "  espalier info\n"
        "  espalier info configs/lenet5.yaml\n"
        "  espalier info runs/lenet5\n"};

/// A list of things with a name and a description.
template <class Things>
void print_known(const std::string& title, const Things& things) {
  fmt::print("\n{}:\n", title);
  int width = 15;
  for (const auto& thing : things) width = std::max(width, static_cast<int>(thing.name.size()));
  for (const auto& thing : things) {
    fmt::print("  {}  {}\n", padded_right(thing.name, width), thing.description);
  }
}

void print_program() {
  fmt::print("espalier {}\n\n", version());
  const int cores = available_cores();
  fmt::print("{}", labelled("machine", fmt::format("{} core{}, {}", cores, cores == 1 ? "" : "s",
                                                   to_string(detected_instruction_set()))));
  fmt::print("{}", labelled("oneDNN", ESPALIER_HAS_ONEDNN ? "yes" : "no"));
  print_known("models", nn::named_models());
  print_known("layers", experiment::LayerKinds::with_builtin().entries());
  print_known("algorithms", compress::Registry::with_builtin().entries());
  print_known("data", experiment::data_kinds());
  print_known("optimizers", experiment::optimizer_kinds());
  print_known("schedules", experiment::schedule_kinds());
}

void print_model(const ModelConfig& config, nn::Module& model) {
  fmt::print("{}{}\n{}", labelled("model", config.name + ": " + config.description),
             labelled("sample", config.sample.to_string()),
             nn::summarise(model, config.sample).to_string());
}

void print_config(const std::string& path) {
  const ModelConfig config = experiment::read_model_file(path);
  nn::Sequential model = config.make();
  print_model(config, model);
  if (compress::read_yaml_file(path).find("compress") == nullptr) return;
  const Experiment experiment(experiment::read_train_config(path));
  fmt::print("\n{}", describe_compression(experiment));
}

void print_last(const EpochMetrics& last, const TrainConfig& config) {
  fmt::print("\n{}", labelled("trained",
                              fmt::format("{} of {} epochs, {} steps, {} images/s", last.epoch + 1,
                                          config.epochs, grouped(last.step),
                                          grouped(static_cast<int64_t>(last.images_per_second)))));
  fmt::print("{}",
             labelled("result", fmt::format("{} {}, train loss {:.4f}", config.accuracy_name(),
                                            percent(last.accuracy, 2), last.train_loss)));
}

void print_run(const std::string& folder) {
  RecordedRun run = experiment::read_run(folder);
  print_model(run.config.model, run.model);
  if (!run.last) {
    fmt::print("\nno epoch is finished yet\n");
    return;
  }
  print_last(*run.last, run.config);
  const Outcome outcome{run.last->accuracy, compress::layer_sparsities(run.model)};
  fmt::print("\n");
  print_sparsity(outcome.weights);

  const fs::path dense_path = fs::path(folder) / experiment::dense_folder;
  if (!fs::is_directory(dense_path)) return;
  const RecordedRun dense = experiment::read_run(dense_path.string());
  if (!dense.last) return;
  fmt::print("\n");
  print_comparison(run.config.accuracy_name(),
                   {dense.last->accuracy, compress::layer_sparsities(dense.model)}, outcome);
}

}  // namespace

int info(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::vector<std::string>& paths = arguments->positional;
  if (paths.size() > 1) throw UsageError("info takes one run or configuration at a time");
  if (paths.empty()) {
    print_program();
  } else if (!fs::is_directory(paths.front())) {
    print_config(paths.front());
  } else if (fs::exists(fs::path(paths.front()) / experiment::run_file::config)) {
    print_run(paths.front());
  } else {
    throw UsageError("'" + paths.front() + "' holds no run: there is no config.yaml in it");
  }
  return 0;
}

}  // namespace espalier::app
