#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/compress/config/position.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/summary.h"
#include "mistaken_path.h"
#include "overrides.h"

namespace espalier::app {
namespace {

using experiment::RunFolder;
using experiment::TrainConfig;

const Usage usage = {
    .command = "import",
    .positional = "FILE.safetensors",
    .description =
        "Makes a run of weights that were trained elsewhere, for evaluate, sensitivity, quantize\n"
        "and 'train --from'. The file is what PyTorch saves of a model (save_file of\n"
        "safetensors.torch, with a state_dict), in 32, 16 or 64 bits; the configuration's network\n"
        "must have its names and shapes. What the configuration compresses is left out.",
    .options = {{"config", "CONFIG.yaml", "the network, its data, and how to train it further"},
                {"out", "DIR", "the folder of the run; must not hold one"},
                {"data", "DIR", "where the files of the data set are"}},
    .examples =
        "  espalier import resnet20.safetensors --config configs/cifar10_resnet20_dense.yaml "
        "\\\n      --out runs/imported\n"
        "  espalier evaluate runs/imported\n"
        "  espalier quantize runs/imported --out runs/imported-int8\n"
        "  espalier train configs/cifar10_resnet20_agp.yaml --from runs/imported\n"};

}  // namespace

int import_weights(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->positional.size() != 1) {
    throw UsageError(
        fmt::format("import needs one FILE.safetensors, not {}; see 'espalier import "
                    "--help'",
                    arguments->positional.size()));
  }
  for (const char* required : {"config", "out"}) {
    if (!arguments->has(required))
      throw UsageError(fmt::format("import needs --{}; see 'espalier import --help'", required));
  }
  const std::string& file = arguments->positional.front();
  if (!std::filesystem::is_regular_file(file)) throw UsageError("there is no file '" + file + "'");
  const std::string& config_file = arguments->values.at("config");
  require_config(config_file);
  Arguments overrides;
  if (arguments->has("data")) overrides.values["data"] = arguments->values.at("data");
  const TrainConfig configured = read_train_config(config_file, overrides);
  TrainConfig config = configured.dense();
  config.start_from = std::filesystem::absolute(file).lexically_normal().string();
  config.teacher.reset();
  nn::Sequential model = config.model.make();
  experiment::load_start_weights(model, config.model, config.start_from, {});
  RunFolder to = RunFolder::create(arguments->values.at("out"), config_file, config, false);
  to.keep_weights(model);
  fmt::print("{}{}{}", labelled("weights", file),
             labelled("model", fmt::format("{}: {} parameters", config.model.name,
                                           grouped(model.parameter_count()))),
             labelled("written", to.path()));
  if (!configured.compress.is_null()) {
    fmt::print("{}", labelled("use", fmt::format("espalier train {} --from {}, which compresses it",
                                                 config_file, to.path())));
  }
  return 0;
}

}  // namespace espalier::app
