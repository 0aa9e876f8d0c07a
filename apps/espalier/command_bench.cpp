#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/report.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/train_bench.h"

namespace espalier::app {
namespace {

using experiment::ModelConfig;
using experiment::Speeds;
using experiment::TrainBench;

const Usage usage = {
    .command = "bench train",
    .positional = "",
    .description =
        "Measures training steps: zero gradients, forward, cross entropy, backward, SGD\n"
        "with momentum and weight decay, on normal random numbers in memory.",
    .options = {{"net", "NET", "the network: a name or a YAML file (default: lenet5)"},
                {"batch", "N", "pictures in a step (default: 64)"},
                {"threads", "N", "threads to compute with (default: all cores)"},
                {"seconds", "S", "how long to measure (default: 5)"}},
    .examples =
        "  espalier bench train --net lenet5 --batch 64 --threads 2\n"
        "  espalier bench train --net lenet300 --batch 128 --threads 1 --seconds 10\n"
        "  espalier bench train --net configs/nets/resnet8.yaml\n"};

/// A network by its name or in a file; LeNet-5 if nothing is given.
ModelConfig read_net(const compress::Value* net) {
  if (!net) return ModelConfig::from("lenet5");
  const bool is_file = net->is_text() && (std::filesystem::is_regular_file(net->as_text()) ||
                                          net->as_text().ends_with(".yaml"));
  return is_file ? experiment::read_model_file(net->as_text()) : ModelConfig::from(*net);
}

/// The options, checked like a configuration file.
TrainBench read_options(const Arguments& arguments) {
  compress::Value given = compress::Value::map();
  for (const Option& option : usage.options) {
    if (arguments.has(option.name)) given.set(option.name, option_value(arguments, option.name));
  }
  compress::MapReader reader(given, "bench train");
  TrainBench bench;
  bench.model = read_net(reader.find("net"));
  bench.batch = reader.integer("batch", {.min = 1, .fallback = 64});
  bench.threads = static_cast<int>(
      reader.integer("threads", {.min = 1, .max = max_threads, .fallback = available_cores()}));
  bench.seconds = reader.number("seconds", {.above = 0, .fallback = 5});
  return bench;
}

}  // namespace

int bench(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "--help" || what == "-h" || what == "train") {
    const int skipped = what == "train" ? 1 : 0;
    const std::optional<Arguments> arguments = parse(usage, argc - skipped, argv + skipped);
    if (!arguments) return 0;
    if (!arguments->positional.empty()) {
      throw UsageError("bench train takes options only, not '" + arguments->positional[0] + "'");
    }
    const TrainBench bench = read_options(*arguments);
    Engine engine({.threads = bench.threads});
    EngineScope scope(engine);
    const Speeds speeds = bench.run();
    fmt::print("{}", labelled("net", bench.model.name + ": " + bench.model.description));
    fmt::print("{}", labelled("batch", fmt::format("{} pictures of {}", bench.batch,
                                                   bench.model.sample.to_string())));
    fmt::print("{}", labelled("machine", describe_machine(bench.threads)));
    fmt::print("{}",
               labelled("measured", fmt::format("{} steps in {:.1f} s, {} windows", speeds.steps,
                                                speeds.seconds, speeds.windows)));
    fmt::print("{}", labelled("images/s", fmt::format("median {:.0f}, min {:.0f}, max {:.0f}",
                                                      speeds.median, speeds.min, speeds.max)));
    fmt::print("images_per_second={:.0f}\n", speeds.median);
    return 0;
  }
  if (what.empty()) throw UsageError("bench what? 'espalier bench train' is what there is");
  const std::string near = compress::did_you_mean(what, {"train"});
  throw UsageError(fmt::format("there is no bench '{}'{}", what,
                               near.empty() ? "; see 'espalier bench --help'" : near));
}

}  // namespace espalier::app
