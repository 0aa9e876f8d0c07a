#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "display/training_summary.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/experiment/inference_bench.h"

namespace espalier::app {
namespace {

using compress::Value;
using experiment::InferenceBench;
using experiment::Speeds;

const Usage usage = {
    .command = "bench infer",
    .positional = "",
    .description =
        "Measures how fast a network answers: an exported file with the runtime, the network\n"
        "of a run with the framework. The last line is for programs.",
    .options = {{"net", "FILE|RUN", "an exported network (.esp), or a run's folder"},
                {"batch", "N", "pictures in a call (default: 1)"},
                {"threads", "N", "threads to compute with (default: all cores)"},
                {"seconds", "S", "how long to measure (default: 5)"}},
    .examples =
        "  espalier bench infer --net lenet5.esp\n"
        "  espalier bench infer --net lenet5.esp --batch 64 --threads 2\n"
        "  espalier bench infer --net runs/lenet5 --batch 64\n"};

InferenceBench read_bench(const Arguments& arguments) {
  if (!arguments.positional.empty())
    throw UsageError("bench infer takes options only, not '" + arguments.positional[0] + "'");
  if (!arguments.has("net")) throw UsageError("bench infer needs a network: --net FILE");
  Value given = Value::map();
  for (const std::string option : {"batch", "threads", "seconds"}) {
    if (arguments.has(option)) given.set(option, option_value(arguments, option));
  }
  compress::MapReader reader(given, usage.command);
  InferenceBench bench;
  bench.network = arguments.values.at("net");
  bench.batch = reader.integer("batch", {.min = 1, .max = 1 << 20, .fallback = 1});
  bench.threads = static_cast<int>(
      reader.integer("threads", {.min = 1, .max = max_threads, .fallback = available_cores()}));
  bench.seconds = reader.number("seconds", {.above = 0, .fallback = 5});
  if (!std::filesystem::exists(bench.network))
    throw UsageError("--net: there is no file or run '" + bench.network + "'");
  return bench;
}

}  // namespace

int bench_infer(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const InferenceBench bench = read_bench(*arguments);
  const Speeds speeds = bench.run();
  const double latency = 1e6 * static_cast<double>(bench.batch) / speeds.median;
  fmt::print("{}", labelled("net", bench.network));
  fmt::print("{}", labelled("machine", describe_machine(bench.threads)));
  fmt::print("{}",
             labelled("measured", fmt::format("{} calls of {} pictures in {:.1f} s, {} windows",
                                              grouped(speeds.steps), bench.batch, speeds.seconds,
                                              speeds.windows)));
  fmt::print("{}", labelled("images/s", fmt::format("median {:.0f}, min {:.0f}, max {:.0f}",
                                                    speeds.median, speeds.min, speeds.max)));
  fmt::print("images_per_second={:.0f} latency_us={:.2f}\n", speeds.median, latency);
  return 0;
}

}  // namespace espalier::app
