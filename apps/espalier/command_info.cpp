#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/exported_table.h"
#include "display/profile_table.h"
#include "display/text.h"
#include "display/training_summary.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/version.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/sparsity.h"
#include "espalier/experiment/layers/layer_kinds.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/experiment/train_bench.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/models.h"
#include "espalier/nn/summary.h"
#include "mistaken_path.h"
#include "overrides.h"

namespace espalier::app {
namespace {

using compress::Value;
using experiment::EpochMetrics;
using experiment::Experiment;
using experiment::ModelConfig;
using experiment::Outcome;
using experiment::RecordedRun;
using experiment::TrainBench;
using experiment::TrainConfig;

namespace fs = std::filesystem;

const Usage usage = {
    .command = "info",
    .positional = "[RUN|CONFIG.yaml|NET.yaml|NET.esp]",
    .description =
        "Without an argument: the version, this machine, and the names that configurations\n"
        "may use. With one: the network of a run, of a configuration, or of a file of its\n"
        "own, layer by layer, and how the run ended; of an exported network, what its bytes\n"
        "are.",
    .options = {{"kernels", "", "which kernel computes each pass of each layer"},
                {"tune", "FILE",
                 "measure all kernels on this network, and write the fastest ones "
                 "to a file for the key 'kernels' of a configuration"},
                {"batch", "N",
                 "pictures in a step, for kernels (default: the configuration's, or 64)"},
                {"threads", "N",
                 "threads, for kernels (default: the configuration's, or all cores)"}},
    .examples =
        "  espalier info\n"
        "  espalier info configs/mnist_lenet5_agp.yaml\n"
        "  espalier info runs/lenet5\n"
        "  espalier info lenet5.esp\n"
        "  espalier info configs/nets/resnet20.yaml --kernels --batch 128\n"
        "  espalier info configs/nets/resnet20.yaml --tune kernels.yaml\n"};

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

/// The training steps of a file's network, as its configuration has them or, for a network alone,
/// by default; `given` has what the command line says of them.
TrainBench steps_of(const std::string& path, const Arguments& given) {
  TrainBench bench;
  bench.threads = available_cores();
  if (compress::read_yaml_file(path).find("data") != nullptr) {
    const TrainConfig config = read_train_config(path, given);
    bench.model = config.model;
    bench.batch = config.batch;
    bench.threads = config.threads;
    bench.kernels = config.kernels;
    return bench;
  }
  bench.model = experiment::read_model_file(path);
  Value options = Value::map();
  for (const auto& [option, value] : given.values) options.set(option, option_value(given, option));
  compress::MapReader reader(options, "info");
  bench.batch = reader.integer("batch", {.min = 1, .fallback = bench.batch});
  bench.threads = static_cast<int>(
      reader.integer("threads", {.min = 1, .max = max_threads, .fallback = bench.threads}));
  return bench;
}

void print_kernels(TrainBench bench, const Arguments& arguments) {
  if (arguments.has("tune")) {
    const std::string& file = arguments.values.at("tune");
    bench.kernels = experiment::tune(bench);
    write_file_atomically(
        file, fmt::format("# The fastest kernels for {}, {} pictures in a step, {}.\n{}",
                          bench.model.name, bench.batch, describe_machine(bench.threads),
                          compress::to_yaml(experiment::to_value(bench.kernels))));
    fmt::print("{}\n", labelled("written", file + ", for the key 'kernels' of a configuration"));
  }
  Profile profile;
  bench.profile = &profile;
  bench.seconds = 1e-3;  // one step
  bench.run();
  print_kernel_table(profile);
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
    fmt::print("\n{}\n",
               run.has_weights ? "its weights were made elsewhere" : "no epoch is finished yet");
    if (run.has_weights) print_sparsity(compress::layer_sparsities(run.model));
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
  const bool of_kernels = arguments->has("kernels") || arguments->has("tune");
  if (of_kernels || arguments->has("batch") || arguments->has("threads")) {
    if (!of_kernels) throw UsageError("--batch and --threads belong to --kernels and --tune");
    if (paths.empty() || fs::is_directory(paths.front()))
      throw UsageError("--kernels and --tune need a CONFIG.yaml or NET.yaml");
    Arguments of_steps;
    for (const std::string option : {"batch", "threads"}) {
      if (arguments->has(option)) of_steps.values[option] = arguments->values.at(option);
    }
    require_config(paths.front());
    if (arguments->has("tune")) {
      const std::string& file = arguments->values.at("tune");
      std::error_code unreadable;
      if (fs::equivalent(file, paths.front(), unreadable))
        throw UsageError("--tune would replace '" + file +
                         "', which it reads; write to another file");
      require_folder_of(file);
    }
    print_kernels(steps_of(paths.front(), of_steps), *arguments);
  } else if (paths.empty()) {
    print_program();
  } else if (paths.front().ends_with(".esp") && fs::is_regular_file(paths.front())) {
    print_exported(paths.front());
  } else if (fs::is_directory(paths.front())) {
    require_run(paths.front());
    print_run(paths.front());
  } else {
    require_config(paths.front());
    print_config(paths.front());
  }
  return 0;
}

}  // namespace espalier::app
