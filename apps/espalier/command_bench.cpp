#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>

#include "arguments.h"
#include "commands.h"
#include "display/profile_table.h"
#include "display/text.h"
#include "display/training_summary.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/machine_peak.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/sections.h"
#include "espalier/experiment/model_config.h"
#include "espalier/experiment/trace_file.h"
#include "espalier/experiment/train_bench.h"
#include "mistaken_path.h"

namespace espalier::app {
namespace {

using compress::Value;
using experiment::Comparison;
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
                {"compress", "FILE", "compress as this file says; no epochs pass"},
                {"seconds", "S", "how long to measure (default: 5; with --ab: 25)"},
                {"profile", "", "show where the time goes, layer by layer"},
                {"trace", "FILE", "write the same as a time line for ui.perfetto.dev"},
                {"ab", "A B",
                 "compare two settings in turns, 25 windows each; a setting is net=, "
                 "batch=, threads=, compress= or OPERATION=KERNEL, joined by commas"}},
    .examples =
        "  espalier bench train --net lenet5 --batch 64 --threads 2\n"
        "  espalier bench train --net lenet300 --batch 128 --threads 1 --seconds 10\n"
        "  espalier bench train --net configs/nets/resnet8.yaml\n"
        "  espalier bench train --net resnet20 --batch 128 --profile --trace trace.json\n"
        "  espalier bench train --net lenet5 --ab threads=1 threads=2\n"
        "  espalier bench train --ab net=lenet5 net=lenet5,compress=prune.yaml\n"
        "  espalier bench train --ab conv2d.forward=onednn conv2d.forward=im2col\n"};

constexpr int ab_windows = 25;

/// The options that describe what is measured.
constexpr std::string_view settings[] = {"net", "batch", "threads", "compress", "seconds"};

/// A network by its name or in a file; LeNet-5 if nothing is given.
ModelConfig read_net(const Value* net) {
  if (!net) return ModelConfig::from("lenet5");
  const bool is_file = net->is_text() && (std::filesystem::is_regular_file(net->as_text()) ||
                                          net->as_text().ends_with(".yaml"));
  return is_file ? experiment::read_model_file(net->as_text()) : ModelConfig::from(*net);
}

/// The options, checked like a configuration file.
TrainBench read_bench(const Value& given) {
  compress::MapReader reader(given, "bench train");
  TrainBench bench;
  bench.model = read_net(reader.find("net"));
  bench.batch = reader.integer("batch", {.min = 1, .max = 1 << 20, .fallback = 64});
  bench.threads = static_cast<int>(
      reader.integer("threads", {.min = 1, .max = max_threads, .fallback = available_cores()}));
  if (const Value* compress = reader.find("compress"))
    bench.compress = compress::resolve_sections(*compress);
  bench.seconds = reader.number("seconds", {.above = 0, .fallback = 5});
  return bench;
}

Value read_options(const Arguments& arguments) {
  Value given = Value::map();
  for (const std::string_view name : settings) {
    const std::string option(name);
    if (arguments.has(option)) given.set(option, option_value(arguments, option));
  }
  return given;
}

/// The options with `key=value,…` in their place.
TrainBench read_setting(Value given, const std::string& text) {
  Value kernels = Value::map();
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos)
      throw UsageError(fmt::format("--ab: '{}' is no setting; say KEY=VALUE", part));
    const std::string key = part.substr(0, equals);
    const Value value = option_value(Arguments{{}, {{"ab", part.substr(equals + 1)}}, {}}, "ab");
    if (std::find(std::begin(settings), std::end(settings), key) == std::end(settings)) {
      kernels.set(key, value, value.position());
    } else {
      given.set(key, value, value.position());
    }
  }
  TrainBench bench = read_bench(given);
  bench.kernels = experiment::read_kernel_choices(kernels);
  return bench;
}

std::string describe(const Speeds& speeds) {
  return fmt::format("median {:.0f}, min {:.0f}, max {:.0f}", speeds.median, speeds.min,
                     speeds.max);
}

void print_comparison(const Arguments& arguments) {
  if (arguments.positional.size() != 1) throw UsageError("--ab takes two settings, A and B");
  const std::string a = arguments.values.at("ab"), b = arguments.positional.front();
  const Value given = read_options(arguments);
  const TrainBench bench_a = read_setting(given, a), bench_b = read_setting(given, b);
  const double window = arguments.has("seconds") ? bench_a.seconds / (2 * ab_windows) : 0.5;
  const Comparison result = experiment::compare(bench_a, bench_b, ab_windows, window);
  fmt::print("{}{}", labelled("A", a), labelled("", "images/s " + describe(result.a)));
  fmt::print("{}{}", labelled("B", b), labelled("", "images/s " + describe(result.b)));
  fmt::print("{}", labelled("B / A", fmt::format("median {:.3f}, half of the {} pairs in {:.3f} "
                                                 "to {:.3f}",
                                                 result.ratio, result.a.windows, result.lower,
                                                 result.upper)));
  fmt::print("{}",
             labelled("stolen", fmt::format("{} of the processors' time went to other machines",
                                            percent(result.stolen, 1))));
}

void print_speed(const Arguments& arguments) {
  if (!arguments.positional.empty())
    throw UsageError("bench train takes options only, not '" + arguments.positional[0] + "'");
  TrainBench bench = read_bench(read_options(arguments));
  if (arguments.has("trace")) require_folder_of(arguments.values.at("trace"));
  Profile profile(trace_events);
  if (arguments.has("profile") || arguments.has("trace")) bench.profile = &profile;
  const Speeds speeds = bench.run();
  fmt::print("{}", labelled("net", bench.model.name + ": " + bench.model.description));
  fmt::print("{}", labelled("batch", fmt::format("{} pictures of {}", bench.batch,
                                                 bench.model.sample.to_string())));
  fmt::print("{}", labelled("machine", describe_machine(bench.threads)));
  fmt::print("{}", labelled("measured", fmt::format("{} steps in {:.1f} s, {} windows",
                                                    speeds.steps, speeds.seconds, speeds.windows)));
  fmt::print("{}", labelled("images/s", describe(speeds)));
  fmt::print("{}", labelled("memory", fmt::format("{} MiB at most", peak_memory() >> 20)));
  if (arguments.has("profile")) {
    Engine engine({.threads = bench.threads});
    EngineScope scope(engine);
    print_profile(profile, measured_peak());
  }
  if (arguments.has("trace")) {
    experiment::write_trace(profile, arguments.values.at("trace"));
    fmt::print("{}", labelled("trace", arguments.values.at("trace")));
  }
  fmt::print("images_per_second={:.0f}\n", speeds.median);
}

constexpr std::string_view help = R"(Measures speed.

Usage:
  espalier bench train [options]      training steps
  espalier bench infer [options]      answers of a trained or an exported network

Each explains itself with --help.

Examples:
  espalier bench train --net lenet5 --batch 64 --threads 2
  espalier bench infer --net lenet5.esp --batch 1
)";

int bench_train(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->has("ab")) {
    print_comparison(*arguments);
  } else {
    print_speed(*arguments);
  }
  return 0;
}

}  // namespace

int bench(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "train") return bench_train(argc - 1, argv + 1);
  if (what == "infer") return bench_infer(argc - 1, argv + 1);
  if (what == "--help" || what == "-h") {
    fmt::print("{}", help);
    return 0;
  }
  if (what.empty()) throw UsageError("bench what: train or infer?");
  const std::string near = compress::did_you_mean(what, {"train", "infer"});
  throw UsageError(fmt::format("there is no bench '{}'{}", what,
                               near.empty() ? "; see 'espalier bench --help'" : near));
}

}  // namespace espalier::app
