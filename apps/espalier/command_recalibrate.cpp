#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/sparsity.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/nn/train/evaluation.h"
#include "espalier/nn/train/recalibration.h"
#include "opened_run.h"

namespace espalier::app {
namespace {

using experiment::RecordedRun;

const Usage usage = {
    .command = "recalibrate",
    .positional = "RUN",
    .description =
        "Estimates the statistics of batch normalisation anew, as the mean over training\n"
        "pictures without augmentation, and leaves the network as a run of its own. The\n"
        "run itself stays as it is.",
    .options = {{"out", "DIR", "the new run's folder (default: RUN-recalibrated)"},
                {"batches", "N", "training batches to look at (default: 100)"},
                {"data", "DIR", "where the files of the data set are"}},
    .examples =
        "  espalier recalibrate runs/resnet20\n"
        "  espalier recalibrate runs/resnet20 --batches 300 --out runs/resnet20-b\n"};

int64_t read_batches(const Arguments& arguments) {
  compress::Value given = compress::Value::map();
  if (arguments.has("batches")) given.set("batches", option_value(arguments, "batches"));
  compress::MapReader reader(given, "recalibrate");
  return reader.integer("batches", {.min = 1, .fallback = 100});
}

std::string without_slash(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

}  // namespace

int recalibrate(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::string& folder = the_run(usage, *arguments);
  const int64_t batches = read_batches(*arguments);
  RecordedRun run = open_run(usage, *arguments, folder);
  if (!run.last)
    throw Error(usage.command,
                "'" + folder + "' has no metrics.jsonl to say how its training ended");

  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const experiment::TrainingData data = open_data(run.config);
  datasets::Loader train(data.train,
                         {.batch = run.config.batch, .shuffle = true, .seed = run.config.seed});
  datasets::Loader evaluation(data.evaluation, {.batch = 500});
  const double before = nn::evaluate(run.model, evaluation).accuracy;
  const int norms = nn::recalibrate(run.model, train, batches);
  if (norms == 0)
    throw Error(usage.command, "the network of '" + folder + "' has no batch normalisation");
  experiment::EpochMetrics metrics = *run.last;
  metrics.accuracy = nn::evaluate(run.model, evaluation).accuracy;

  const std::string output =
      arguments->has("out") ? arguments->values.at("out") : without_slash(folder) + "-recalibrated";
  experiment::RunFolder recalibrated = experiment::RunFolder::create(output, "", run.config, false);
  recalibrated.set_origin({folder, command_line(usage, *arguments)});
  recalibrated.record(metrics, run.model);
  std::string text = labelled("run", folder);
  text += labelled("statistics", fmt::format("of {} batch normalisations, over {} batches", norms,
                                             std::min(batches, train.batches())));
  text += labelled(run.config.accuracy_name(),
                   fmt::format("{}, before {}", percent(metrics.accuracy, 2), percent(before, 2)));
  text += labelled("written to", recalibrated.path());
  fmt::print("{}", text);
  return 0;
}

}  // namespace espalier::app
