#include <fmt/format.h>

#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/evaluation_table.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/nn/train/evaluation.h"
#include "opened_run.h"

namespace espalier::app {
namespace {

using experiment::RecordedRun;
using experiment::TrainingData;

const Usage usage = {
    .command = "evaluate",
    .positional = "RUN",
    .description =
        "How well the network of a run answers, class by class, on the pictures it was\n"
        "judged with while it trained: those held out or, if none were, the test set.",
    .options = {{"data", "DIR", "where the files of the data set are"},
                {"batch", "N", "pictures at a time (default: 500)"},
                {"json", "", "one JSON object instead of tables"}},
    .examples =
        "  espalier evaluate runs/lenet5\n"
        "  espalier evaluate runs/lenet5 --data ~/mnist --json\n"};

int64_t read_batch(const Arguments& arguments) {
  compress::Value given = compress::Value::map();
  if (arguments.has("batch")) given.set("batch", option_value(arguments, "batch"));
  compress::MapReader reader(given, "evaluate");
  return reader.integer("batch", {.min = 1, .fallback = 500});
}

void print(const nn::Evaluation& evaluation, const std::vector<std::string>& names,
           const RecordedRun& run, const std::string& folder) {
  const nn::ConfusionMatrix& confusion = evaluation.confusion;
  std::string text = labelled("run", folder);
  text += labelled(
      "data", fmt::format("{}: {} {} pictures", run.config.data.name, grouped(confusion.samples()),
                          run.config.data.hold_out > 0 ? "held-out validation" : "test"));
  text += labelled("accuracy", percent(evaluation.accuracy, 2));
  // Of ten classes, five guesses are half of all.
  if (evaluation.top5_accuracy && confusion.classes() > 10)
    text += labelled("top five", percent(*evaluation.top5_accuracy, 2));
  text += labelled("loss", fmt::format("{:.4f}", evaluation.loss));
  fmt::print("{}\n{}", text, class_table(confusion, names));
  const std::string table = confusion_table(confusion, names);
  if (!table.empty()) fmt::print("\nrow: what it is, column: what it was taken for\n{}", table);
}

}  // namespace

int evaluate(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::string& folder = the_run(usage, *arguments);
  const int64_t batch = read_batch(*arguments);
  RecordedRun run = open_run(usage, *arguments, folder);

  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const TrainingData data = open_data(run.config);
  datasets::Loader loader(data.evaluation, {.batch = batch});
  const nn::Evaluation evaluation = nn::evaluate(run.model, loader);
  const std::vector<std::string> names = data.evaluation->class_names();
  if (arguments->has("json")) {
    fmt::print("{}\n", to_json(evaluation, names));
  } else {
    print(evaluation, names, run, folder);
  }
  return 0;
}

}  // namespace espalier::app
