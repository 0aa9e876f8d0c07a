#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/status_line.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/quantizers/ptq_quantizer.h"
#include "espalier/compress/registry.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/nn/train/evaluation.h"
#include "opened_run.h"

namespace espalier::app {
namespace {

using compress::PTQQuantizer;
using compress::Value;
using experiment::RecordedRun;
using experiment::RunFolder;
using experiment::TrainConfig;
using experiment::TrainingData;

const Usage usage = {
    .command = "quantize",
    .positional = "RUN",
    .description =
        "Quantizes the trained network of a run for an engine of integers, without training it\n"
        "again: weights to a grid for each output channel, activations to ranges that are taken\n"
        "from some training pictures. Weights that a quantizer has put on a grid stay there.\n"
        "Leaves a run of its own, which is evaluated as any other.",
    .options =
        {{"out", "DIR", "the folder of the quantized run; must not hold one"},
         {"bits", "N", "bits of weights and activations, 2 to 16 (default: 8)"},
         {"weight-bits", "N", "bits of weights (default: those of --bits)"},
         {"activation-bits", "N", "bits of activations (default: those of --bits)"},
         {"observer", "NAME",
          "how ranges are found: minmax, percentile, or mse, which is the least squared error "
          "(default: mse)"},
         {"percentile", "P",
          "for --observer percentile: how many in a hundred of the values are within (default: "
          "99.99)"},
         {"pictures", "N", "how many training pictures are looked at (default: 1,000)"},
         {"data", "DIR", "where the files of the data set are"},
         {"json", "", "one JSON object instead of tables"}},
    .examples =
        "  espalier quantize runs/lenet5 --out runs/lenet5-int8\n"
        "  espalier quantize runs/lenet5 --out runs/lenet5-w4 --weight-bits 4\n"
        "  espalier quantize runs/lenet5 --out q --observer percentile --percentile 99.9\n"
        "  espalier evaluate runs/lenet5-int8\n"};

constexpr int64_t batch = 100;

/// The rule that the command line asks for; PTQQuantizer itself checks the values.
Value read_rule(const Arguments& arguments) {
  Value rule = Value::map();
  for (const auto& [option, key] : {std::pair{"bits", "q_bits"},
                                    {"weight-bits", "weight_bits"},
                                    {"activation-bits", "activation_bits"},
                                    {"observer", "observer"},
                                    {"percentile", "percentile"}}) {
    if (!arguments.has(option)) continue;
    const Value value = option_value(arguments, option);
    rule.set(key, value, value.position());
  }
  rule.set("support_type", "default");
  return rule;
}

int64_t read_pictures(const Arguments& arguments, int64_t available) {
  Value given = Value::map();
  if (arguments.has("pictures")) given.set("pictures", option_value(arguments, "pictures"));
  compress::MapReader reader(given, "quantize");
  const int64_t pictures =
      reader.integer("pictures", {.min = 1, .fallback = std::min<int64_t>(1000, available)});
  if (pictures > available) {
    throw UsageError(fmt::format("--pictures {}: the run has {} training pictures",
                                 grouped(pictures), grouped(available)));
  }
  return pictures;
}

/// Activations that lie on grids already have none to look for. (Weights may: see PTQQuantizer.)
void require_free_activations(nn::Module& model, const std::string& folder) {
  model.for_each_module([&](const std::string&, nn::Module& module) {
    const auto& record = *module.record();
    for (const auto& transform : {record.input_transform, record.output_transform}) {
      if (!transform) continue;
      throw UsageError(fmt::format(
          "activations of '{}' are quantized by {} already; quantize a run of full precision, or "
          "one whose weights alone are quantized",
          folder, transform->name()));
    }
  });
}

Tensor first_samples(const Tensor& images, int64_t count) {
  const Shape& all = images.shape();
  if (count == all[0]) return images;
  const auto values = static_cast<size_t>(count * (images.size() / all[0]));
  return Tensor::from({count, all[1], all[2], all[3]}, images.values().first(values));
}

/// The first `count` training pictures of a shuffled pass: folders have them class by class.
void show(nn::Module& model, const TrainConfig& config, const TrainingData& data, int64_t count,
          StatusLine& line) {
  datasets::Loader loader(data.train, {.batch = batch, .shuffle = true, .seed = config.seed});
  loader.start_epoch(0);
  int64_t seen = 0;
  for (Batch each; seen < count && loader.next(each);) {
    const int64_t here = std::min(count - seen, each.images.shape()[0]);
    model(first_samples(each.images, here));
    seen += here;
    if (!line.due()) continue;
    line.draw(with_bar(static_cast<double>(seen) / static_cast<double>(count),
                       fmt::format("calibrating, {} pictures", grouped(seen))));
  }
}

double accuracy(nn::Module& model, const TrainingData& data, StatusLine& line, const char* when) {
  if (line.due()) line.draw(fmt::format("evaluating {}", when));
  datasets::Loader loader(data.evaluation, {.batch = 500});
  return nn::evaluate(model, loader).accuracy;
}

TrainConfig quantized_config(const TrainConfig& config, const PTQQuantizer& quantizer) {
  TrainConfig changed = config;
  if (changed.compress.is_null()) changed.compress = Value::map();
  changed.compress.set("PTQQuantizer", Value::map({{"config", quantizer.rules_as_run()}}));
  return changed;
}

struct Result {
  double before, after;
  std::vector<PTQQuantizer::TensorError> tensors;
  int64_t pictures;
};

std::string to_json(const Result& result, const std::string& folder) {
  using Json = nlohmann::ordered_json;
  Json tensors = Json::array();
  for (const PTQQuantizer::TensorError& tensor : result.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"bits", tensor.bits},
                       {"low", tensor.range.low},
                       {"high", tensor.range.high},
                       {"relative_error", tensor.relative}});
  }
  return Json{{"format_version", 1},
              {"run", folder},
              {"pictures", result.pictures},
              {"accuracy_before", result.before},
              {"accuracy_after", result.after},
              {"tensors", tensors}}
      .dump();
}

std::string tensor_table(const std::vector<PTQQuantizer::TensorError>& tensors) {
  int width = 6;
  for (const auto& tensor : tensors) width = std::max(width, columns(tensor.name));
  width = std::min(width, 36);
  std::string text = padded_right("tensor", width) + "  bits           range         error\n";
  for (const auto& tensor : tensors) {
    const std::string range = fmt::format("{:.4g} … {:.4g}", tensor.range.low, tensor.range.high);
    std::string name = tensor.name;
    if (columns(name) > width)
      name = "…" + name.substr(name.size() - static_cast<size_t>(width - 1));
    text += padded_right(name, width) + padded_left(std::to_string(tensor.bits), 6) +
            padded_left(range, 21) + padded_left(percent(tensor.relative, 2), 11) + "\n";
  }
  return text;
}

void print(const Result& result, const RecordedRun& run, const std::string& from,
           const std::string& to, const std::vector<std::string>& notes) {
  std::string all;
  for (const std::string& note : notes) all += (all.empty() ? "" : "; ") + note;
  fmt::print("{}{}{}{}\n{}\n{}", labelled("run", from),
             labelled("data", fmt::format("{}: ranges of {} training pictures",
                                          run.config.data.name, grouped(result.pictures))),
             labelled("quantized", all),
             labelled("accuracy",
                      fmt::format("{} before, {} after; {:+.2f} points", percent(result.before, 2),
                                  percent(result.after, 2), 100 * (result.after - result.before))),
             tensor_table(result.tensors), labelled("written", to));
}

}  // namespace

int quantize(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::string& folder = the_run(usage, *arguments);
  if (!arguments->has("out"))
    throw UsageError("quantize needs --out DIR, the folder of the new run");
  RecordedRun run = open_run(usage, *arguments, folder);
  require_free_activations(run.model, folder);
  PTQQuantizer quantizer(compress::Rules::from(read_rule(*arguments), "PTQQuantizer"));
  quantizer(run.model);

  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const TrainingData data = open_data(run.config);
  const int64_t pictures = read_pictures(*arguments, data.train->size());
  // Claimed before the work is done.
  RunFolder to = RunFolder::create(arguments->values.at("out"), "",
                                   quantized_config(run.config, quantizer), false);
  to.set_origin({folder, command_line(usage, *arguments)});
  Result result{.before = 0, .after = 0, .tensors = {}, .pictures = pictures};
  {
    StatusLine line;
    quantizer.set_enabled(false);
    result.before = accuracy(run.model, data, line, "in full precision");
    quantizer.set_enabled(true);
    quantizer.calibrate([&] { show(run.model, run.config, data, pictures, line); });
    result.after = accuracy(run.model, data, line, "quantized");
  }
  result.tensors = quantizer.errors();
  to.keep_weights(run.model);
  if (arguments->has("json")) {
    fmt::print("{}\n", to_json(result, to.path()));
  } else {
    print(result, run, folder, to.path(), quantizer.notes());
  }
  return 0;
}

}  // namespace espalier::app
