#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/sensitivity_table.h"
#include "display/status_line.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/name_pattern.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/compress/sensitivity/allocation.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/choice_pictures.h"
#include "mistaken_path.h"
#include "opened_run.h"
#include "sensitivity_rules.h"

namespace espalier::app {
namespace {

using compress::Allocation;
using compress::LayerInfo;
using compress::SensitivityAnalysis;
using compress::Value;
using experiment::ChoicePictures;
using experiment::RecordedRun;
using experiment::TrainingData;

const Usage usage = {
    .command = "sensitivity",
    .positional = "RUN",
    .description =
        "How much accuracy the network of a run loses when one of its layers is pruned to\n"
        "0.1 … 0.95 or quantized to 8 … 2 bits, the others left as they are and nothing\n"
        "retrained. Measured on held-out training pictures or, if none were held out, on\n"
        "a part of those it was trained on; never on the test set. With a goal it writes\n"
        "rules for 'espalier train --compress' that prune each layer as it can bear it.",
    .options =
        {{"data", "DIR", "where the files of the data set are"},
         {"layers", "PATTERN",
          "only layers of this name; * and ? stand for any characters, re:… is a regular "
          "expression"},
         {"samples", "N",
          "the last so many of these pictures (default: all held out, or a "
          "tenth of the training pictures, 5,000 at most)"},
         {"target-sparsity", "S",
          "write rules that reach this fraction of zeros in all, 0.9 say, at the least loss"},
         {"max-drop", "D",
          "write rules that prune as far as accuracy, all at once, falls by no more than "
          "this fraction; 0.01 is one point"},
         {"rules", "FILE", "where to write them (default: sensitivity_rules.yaml in RUN)"},
         {"out", "FILE",
          "where to write what was measured (default: sensitivity.json in "
          "RUN)"},
         {"json", "", "what was measured as one JSON object instead of tables"}},
    .examples =
        "  espalier sensitivity runs/lenet5\n"
        "  espalier sensitivity runs/lenet5 --layers 'conv*' --samples 1000\n"
        "  espalier sensitivity runs/lenet5 --target-sparsity 0.95\n"
        "  espalier sensitivity runs/lenet5 --max-drop 0.005 --rules lenet5_rules.yaml\n"
        "  espalier train configs/mnist_lenet5_dense.yaml --from runs/lenet5 --compress "
        "lenet5_rules.yaml\n"};

constexpr int64_t batch = 500;
/// The sparsest that a layer is measured at for rules.
constexpr double most_sparsity = 0.995;

/// What the command line asks for.
struct Task {
  std::optional<double> target_sparsity, max_drop;
  std::optional<int64_t> samples;

  bool writes_rules() const { return target_sparsity || max_drop; }
};

Task read_task(const Arguments& arguments) {
  Value given = Value::map();
  for (const std::string option : {"target-sparsity", "max-drop", "samples"}) {
    if (arguments.has(option)) given.set(option, option_value(arguments, option));
  }
  compress::MapReader reader(given, "sensitivity");
  Task task;
  if (reader.has("target-sparsity"))
    task.target_sparsity = reader.number("target-sparsity", {.above = 0, .max = most_sparsity});
  if (reader.has("max-drop")) task.max_drop = reader.number("max-drop", {.min = 0, .below = 1});
  if (reader.has("samples")) task.samples = reader.integer("samples", {.min = 1});
  if (task.target_sparsity && task.max_drop)
    throw UsageError("--target-sparsity and --max-drop are two goals; give one of them");
  if (arguments.has("rules") && !task.writes_rules())
    throw UsageError("--rules needs a goal: --target-sparsity or --max-drop");
  return task;
}

std::vector<LayerInfo> chosen_layers(const nn::Module& model, const Arguments& arguments) {
  std::vector<LayerInfo> layers = compress::compressible_layers(model);
  if (!arguments.has("layers")) return layers;
  const std::string& text = arguments.values.at("layers");
  const compress::NamePattern pattern(text);
  if (!pattern.problem().empty())
    throw UsageError("--layers: '" + text + "' is no regular expression: " + pattern.problem());
  std::vector<std::string> names;
  for (const LayerInfo& layer : layers) names.push_back(layer.name);
  std::erase_if(layers, [&](const LayerInfo& layer) { return !pattern.matches(layer.name); });
  if (layers.empty()) {
    const std::string near = compress::did_you_mean(text, names);
    throw UsageError("--layers: no layer with weights is called '" + text + "'" +
                     (near.empty() ? "; see 'espalier info RUN'" : near));
  }
  return layers;
}

ChoicePictures open_pictures(const RecordedRun& run, const std::optional<int64_t>& samples) {
  const TrainingData data = open_data(run.config);
  const bool held_out = run.config.data.hold_out > 0;
  const int64_t most = (held_out ? data.evaluation : data.train)->size();
  if (samples && *samples > most) {
    throw UsageError(fmt::format("--samples {}: the run has {} {} pictures", *samples,
                                 grouped(most), held_out ? "held-out" : "training"));
  }
  return choice_pictures(run.config, data, samples);
}

/// Measures, showing how far it is.
SensitivityAnalysis analyse(const std::vector<LayerInfo>& layers,
                            compress::AccuracyMeasure& accuracy, bool writes_rules) {
  using Clock = std::chrono::steady_clock;
  StatusLine line;
  const Clock::time_point start = Clock::now();
  compress::SensitivityOptions options;
  // Large layers can often bear more than the rest of the network.
  if (writes_rules)
    for (const double sparsity : {0.97, 0.98, 0.99, most_sparsity})
      options.sparsities.push_back(sparsity);
  options.on_point = [&](const compress::SensitivityProgress& progress) {
    if (!line.due()) return;
    line.draw(sensitivity_progress(progress,
                                   std::chrono::duration<double>(Clock::now() - start).count()));
  };
  return analyse_sensitivity(layers, accuracy, options);
}

Allocation allocate(const Task& task, const SensitivityAnalysis& analysis,
                    const std::vector<LayerInfo>& layers, compress::AccuracyMeasure& accuracy) {
  const std::vector<compress::DropCurve> curves = compress::drop_curves(analysis);
  if (task.target_sparsity)
    return rounded(allocate_to_sparsity(curves, *task.target_sparsity), layers, true);
  const auto measure = [&](const std::vector<double>& sparsity) {
    return accuracy_together(layers, accuracy, sparsity);
  };
  return rounded(allocate_to_drop(curves, analysis.accuracy, *task.max_drop, measure), layers,
                 false);
}

nlohmann::ordered_json to_json(const SensitivityAnalysis& analysis,
                               const ChoicePictures& pictures) {
  using Json = nlohmann::ordered_json;
  Json layers = Json::array();
  for (const compress::LayerSensitivity& layer : analysis.layers) {
    Json by_sparsity = Json::array(), by_bits = Json::array();
    for (const compress::SparsityPoint& point : layer.by_sparsity)
      by_sparsity.push_back({{"sparsity", point.sparsity}, {"accuracy", point.accuracy}});
    for (const compress::BitsPoint& point : layer.by_bits)
      by_bits.push_back({{"bits", point.bits}, {"accuracy", point.accuracy}});
    layers.push_back({{"name", layer.layer},
                      {"type", layer.type},
                      {"weights", layer.weights},
                      {"sparsity", layer.sparsity},
                      {"by_sparsity", by_sparsity},
                      {"by_bits", by_bits}});
  }
  return {{"format_version", 1},
          {"samples", pictures.pictures->size()},
          {"held_out", pictures.held_out},
          {"accuracy", analysis.accuracy},
          {"layers", layers}};
}

void add_allocation(nlohmann::ordered_json& json, const SensitivityRules& rules) {
  nlohmann::ordered_json layers;
  for (size_t i = 0; i < rules.layers.size(); ++i)
    layers[rules.layers[i].name] = rules.allocation.sparsity[i];
  json["rules"] = {{"drop", rules.allocation.drop},
                   {"sparsity", rules.allocation.total},
                   {"accuracy", rules.accuracy},
                   {"layers", layers}};
}

std::string command_line(const std::string& folder, const Arguments& arguments) {
  std::string text = "espalier sensitivity " + folder;
  for (const std::string option : {"target-sparsity", "max-drop", "layers", "samples"}) {
    if (arguments.has(option)) text += " --" + option + " " + arguments.values.at(option);
  }
  return text;
}

void print_header(const RecordedRun& run, const std::string& folder, const ChoicePictures& pictures,
                  double accuracy) {
  fmt::print("{}{}{}\n", labelled("run", folder),
             labelled("data", run.config.data.name + ": " + describe(pictures)),
             labelled("accuracy", percent(accuracy, 2)));
}

void print_rules(const SensitivityRules& rules, const std::string& file) {
  std::string layers;
  for (size_t i = 0; i < rules.layers.size(); ++i)
    layers += fmt::format("{}{} {:g}", i == 0 ? "" : ", ", rules.layers[i].name,
                          rules.allocation.sparsity[i]);
  fmt::print(
      "\n{}{}{}{}{}", labelled("rules", layers),
      labelled("sparsity",
               fmt::format("{} in all; alone no layer loses more than {:.2f} points",
                           percent(rules.allocation.total, 2), 100 * rules.allocation.drop)),
      labelled("accuracy",
               fmt::format("{} with all of it at once, nothing retrained; {:+.2f} "
                           "points",
                           percent(rules.accuracy, 2), 100 * (rules.accuracy - rules.before))),
      labelled("written", file),
      labelled("use", "espalier train CONFIG.yaml --from " + rules.run + " --compress " + file));
}

}  // namespace

int sensitivity(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::string& folder = the_run(usage, *arguments);
  const Task task = read_task(*arguments);
  RecordedRun run = open_run(usage, *arguments, folder);
  const std::vector<LayerInfo> layers = chosen_layers(run.model, *arguments);
  const auto file = [&](const char* option, const char* name) {
    return arguments->has(option) ? arguments->values.at(option)
                                  : (std::filesystem::path(folder) / name).string();
  };

  const std::string out = file("out", "sensitivity.json");
  const std::string rules_file = file("rules", "sensitivity_rules.yaml");
  for (const std::string& written : {out, rules_file}) {
    require_not_of_run(written, folder);
    require_folder_of(written);
  }

  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const ChoicePictures pictures = open_pictures(run, task.samples);
  datasets::Loader samples(pictures.pictures, {.batch = batch});
  compress::SuffixAccuracy accuracy(run.model, samples);
  const SensitivityAnalysis analysis = analyse(layers, accuracy, task.writes_rules());

  nlohmann::ordered_json json = to_json(analysis, pictures);
  // What took the time is kept, whatever comes of the rules.
  write_file_atomically(out, json.dump(1) + "\n");
  std::optional<SensitivityRules> rules;
  if (task.writes_rules()) {
    rules = SensitivityRules{.run = folder,
                             .command = command_line(folder, *arguments),
                             .pictures = describe(pictures),
                             .epochs = run.config.epochs,
                             .layers = layers,
                             .allocation = allocate(task, analysis, layers, accuracy),
                             .before = analysis.accuracy};
    rules->accuracy = accuracy_together(layers, accuracy, rules->allocation.sparsity);
    add_allocation(json, *rules);
    write_file_atomically(out, json.dump(1) + "\n");
  }
  if (arguments->has("json")) {
    fmt::print("{}\n", json.dump());
  } else {
    print_header(run, folder, pictures, analysis.accuracy);
    fmt::print("{}", sensitivity_tables(analysis));
    if (!analysis.recomputed.empty())
      fmt::print("\n{}", labelled("memory", fmt::format("too little to keep what enters {} of the "
                                                        "layers; it was computed again each time",
                                                        analysis.recomputed.size())));
    fmt::print("\n{}", labelled("written", out));
  }
  if (!rules) return 0;
  if (rules->allocation.total <= 0) {
    throw Error("sensitivity", "there are no rules to write: every layer loses more than " +
                                   arguments->values.at("max-drop") + " at once");
  }
  write_file_atomically(rules_file, to_yaml(*rules));
  if (!arguments->has("json")) print_rules(*rules, rules_file);
  return 0;
}

}  // namespace espalier::app
