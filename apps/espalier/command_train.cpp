#include <fmt/format.h>

#include <optional>
#include <utility>

#include "arguments.h"
#include "commands.h"
#include "display/profile_table.h"
#include "display/text.h"
#include "display/training_display.h"
#include "display/training_summary.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/machine_peak.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/experiment/experiment.h"
#include "espalier/experiment/trace_file.h"
#include "mistaken_path.h"
#include "overrides.h"
#include "plugin_option.h"
#include "stop_signals.h"
#include "written_report.h"

namespace espalier::app {
namespace {

using experiment::Experiment;
using experiment::RunFolder;
using experiment::RunOutcome;
using experiment::TrainConfig;
using experiment::TrainingData;

const Usage usage = {
    .command = "train",
    .positional = "CONFIG.yaml | --resume RUN",
    .description =
        "Trains a network as a configuration file says, compressing it on the way, and\n"
        "leaves weights and figures in a folder. Options win over the file. Ctrl-C stops\n"
        "after the running step; a training that was stopped or killed goes on with\n"
        "--resume, and ends in the same weights as one that never was.",
    .options = {{"epochs", "N", "passes over the training pictures"},
                {"batch", "N", "pictures in an optimizer step"},
                {"lr", "X", "learning rate"},
                {"seed", "N", "of start values and data order"},
                {"threads", "N", "threads to compute with (default: all cores)"},
                {"data", "DIR", "where the files of the data set are"},
                {"compress", "FILE", "compress as this file says, not as CONFIG does"},
                plugin_option(),
                {"from", "RUN", "begin with the weights of this run or .safetensors file"},
                {"teacher", "RUN", "learn from the network of this run, too"},
                {"kernels", "FILE", "kernels to compute with, see 'espalier info --tune'"},
                {"out", "RUN", "folder for the results (default: runs/NAME-OF-CONFIG)"},
                {"with-dense", "", "train without compression first, and compare"},
                {"resume", "RUN", "go on with the run in this folder"},
                {"profile", "", "show where the time of a step goes, layer by layer"},
                {"no-report", "", "write no report.html"},
                {"dry-run", "", "show the plan and what happens when, but do not train"}},
    .examples =
        "  espalier train configs/mnist_lenet5_agp.yaml\n"
        "  espalier train configs/mnist_lenet5_agp.yaml --epochs 3 --with-dense --out runs/try\n"
        "  espalier train --resume runs/try            where it stopped\n"
        "  espalier train runs/try/config.yaml         the same once more\n"};

/// By convention 128 and the number of the signal, which is that of Ctrl-C.
constexpr int stopped_by_signal = 130;

/// What is to be trained, and where.
struct Task {
  TrainConfig config;
  std::string config_path;
  std::optional<std::string> out;
  bool with_dense = false;
  std::optional<RunFolder> folder = {};  ///< of a run that goes on
};

Task new_run(const Arguments& arguments) {
  if (arguments.positional.size() != 1) {
    throw UsageError(fmt::format("train needs one CONFIG.yaml, not {}; see 'espalier train --help'",
                                 arguments.positional.size()));
  }
  const std::string& path = arguments.positional.front();
  require_config(path);
  Task task{read_train_config(path, arguments), path, std::nullopt, arguments.has("with-dense")};
  if (arguments.has("out")) task.out = arguments.values.at("out");
  if (task.with_dense && task.config.compress.is_null()) {
    throw UsageError("--with-dense: '" + path + "' compresses nothing to compare with");
  }
  if (task.with_dense && arguments.has("profile"))
    throw UsageError("--profile is of one training; leave --with-dense out");
  return task;
}

/// Locks the run's folder, so that no other process goes on with it.
Task run_that_goes_on(const Arguments& arguments) {
  const std::string& run = arguments.values.at("resume");
  if (!arguments.positional.empty()) {
    throw UsageError(
        fmt::format("--resume {} takes the configuration from the run, so '{}' is one too many",
                    run, arguments.positional.front()));
  }
  for (const auto& [option, value] : arguments.values) {
    if (option == "resume" || option == "data" || option == "profile" || option == "no-report")
      continue;
    throw UsageError(fmt::format(
        "--{}: a run goes on as it began, or its result would belong to no configuration; start a "
        "new one with 'espalier train {}/config.yaml --{}{}'",
        option, run, option, value.empty() ? "" : " " + value));
  }
  require_run(run);
  RunFolder folder = RunFolder::reopen(run);
  const TrainConfig& config = folder.config();
  if (arguments.has("data")) {
    if (config.data.name == "synthetic") throw UsageError("--data: synthetic data has no files");
    folder.set_data_dir(arguments.values.at("data"));
  }
  if (folder.epochs_done() == config.epochs) {
    throw UsageError(fmt::format(
        "--resume: '{0}' is complete, all {1} epochs are done; to train longer, start a new run "
        "with 'espalier train {0}/config.yaml --epochs N'; to look at it, 'espalier report {0}'",
        run, config.epochs));
  }
  Task task{folder.config(), run + "/config.yaml", std::nullopt, folder.with_dense()};
  task.folder.emplace(std::move(folder));
  return task;
}

/// The page of the run. The run is complete without it, so what goes wrong is a warning.
void print_report(const RunFolder& folder, ProgressLine& progress) {
  const std::string& run = folder.path();
  report::CollectOptions options;
  options.on_progress = [&progress](const std::string& what) { progress.show(what); };
  try {
    const std::string written = write_report({run}, options, default_report({run}));
    progress.clear();
    fmt::print("{}", labelled("report", written));
  } catch (const std::exception& error) {
    progress.clear();
    fmt::print(stderr,
               "espalier: warning: the run is complete, but not its report: {}; try again "
               "with 'espalier report {}'\n",
               error.what(), run);
  }
}

void print_next_steps(const RunFolder& folder, const std::string& config_path, bool could_compare) {
  std::string text = labelled("look at it", "espalier info " + folder.path());
  if (could_compare) {
    text += labelled("compare", "espalier train " + config_path + " --with-dense");
  }
  fmt::print("{}", text);
}

void print_outcome(const RunOutcome& outcome, const TrainConfig& config) {
  fmt::print("\n");
  print_sparsity(outcome.compressed.weights);
  fmt::print("\n");
  if (outcome.dense) {
    print_comparison(config.accuracy_name(), *outcome.dense, outcome.compressed);
  } else {
    fmt::print("{}", labelled("result", config.accuracy_name() + " " +
                                            percent(outcome.compressed.accuracy, 2)));
  }
  bool first = true;
  for (const std::string& sentence : outcome.compressed.findings)
    fmt::print("{}", labelled(std::exchange(first, false) ? "compress" : "", sentence));
  for (const std::string& sentence : outcome.compressed.unfinished_schedules)
    fmt::print("{}", labelled("unfinished", sentence));
}

}  // namespace

int train(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const bool resuming = arguments->has("resume");
  Task task = resuming ? run_that_goes_on(*arguments) : new_run(*arguments);
  const TrainConfig& config = task.config;

  ProgressLine progress(config.epochs, task.with_dense ? 2 : 1);
  const auto warn = [&progress](const std::string& message) {
    progress.clear();
    fmt::print(stderr, "espalier: warning: {}\n", message);
  };
  listen_for_stop_signals();
  Engine engine({.threads = config.threads, .seed = config.seed, .on_warning = warn});
  EngineScope scope(engine);

  // Before anything that takes time: complaints about rules should come at once.
  Experiment experiment(config, resuming ? begin_of(*task.folder) : experiment::Begin::anew);
  const TrainingData data = open_data(config);
  if (arguments->has("dry-run")) {
    print_header(experiment, data, "");
    print_timeline(experiment, data);
    return 0;
  }
  RunFolder folder = resuming ? std::move(*task.folder)
                              : RunFolder::create(task.out, task.config_path, experiment.config(),
                                                  task.with_dense);
  print_header(experiment, data, folder.path());

  TrainingDisplay display(progress, config.accuracy_name(), resuming);
  Profile profile(trace_events);
  std::optional<Profile::Listening> listening;
  if (arguments->has("profile")) listening.emplace(profile);
  const std::optional<RunOutcome> outcome = run(experiment, data, folder, display, asked_to_stop);
  progress.clear();
  if (listening) {
    listening.reset();
    print_profile(profile, measured_peak());
    const std::string trace = folder.path() + "/" + experiment::run_file::trace;
    experiment::write_trace(profile, trace);
    fmt::print("{}", labelled("trace", trace + ", for https://ui.perfetto.dev"));
  }
  if (!outcome) {
    fmt::print("\n{}", labelled("stopped", "go on with: espalier train --resume " + folder.path()));
    return stopped_by_signal;
  }
  print_outcome(*outcome, config);
  fmt::print("\n{}",
             labelled("run", folder.path() + ": config.yaml, metrics.jsonl, model.safetensors"));
  if (!arguments->has("no-report")) {
    stop_at_signals();
    print_report(folder, progress);
  }
  print_next_steps(folder, task.config_path, !outcome->dense && !config.compress.is_null());
  return 0;
}

}  // namespace espalier::app
