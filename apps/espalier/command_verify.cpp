#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/export/export_model.h"
#include "espalier/compress/export/round_biases.h"
#include "espalier/compress/export/verify.h"
#include "espalier/compress/export/verify_simulation.h"
#include "espalier/experiment/agreement.h"
#include "espalier/experiment/exported_file.h"
#include "espalier/experiment/exported_network.h"
#include "mistaken_path.h"
#include "opened_run.h"

namespace espalier::app {
namespace {

using compress::OperationCheck;
using compress::SimulationCheck;
using compress::file::Network;
using experiment::Agreement;

const Usage usage = {
    .command = "verify",
    .positional = "NET.esp RUN",
    .description =
        "Proves that an exported network computes what the network of the run says. Every\n"
        "operation is computed a second time, from the input that the runtime gave it, by\n"
        "separate code in 64-bit integers and double precision: codes must be equal. Then the\n"
        "network of the run computes every quantized value in float32 as it did in training,\n"
        "again from what the runtime has in front of it, and must come out next to its codes.\n"
        "Last, the answers of both are compared on all test pictures.",
    .options = {{"pictures", "N", "test pictures to compute a second time (default: 20)"},
                {"data", "DIR", "where the files of the data set are"}},
    .examples =
        "  espalier verify lenet5.esp runs/lenet5-int8\n"
        "  espalier verify resnet20.esp runs/resnet20 --data ~/cifar10 --pictures 100\n"};

/// Of answers. A network of float32 that gives fewer is another one.
constexpr double least_agreement = 0.999;

void print_check(const OperationCheck& check) {
  const std::string verdict =
      check.has_codes ? check.different == 0 ? "equal" : grouped(check.different) + " DIFFERENT"
                      : fmt::format("float32, {:.1e}{}", check.largest_difference,
                                    check.passed() ? "" : " TOO FAR");
  fmt::print("{} {} {:>12} values  {}\n", padded_right(check.operation, 14),
             padded_right(check.layer, 24), grouped(check.compared), verdict);
}

void print_check(const SimulationCheck& check) {
  const std::string distance = fmt::format("{:.3f} steps", check.furthest);
  fmt::print("{} {:>11} values  {}\n", padded_right(check.layer, 24), grouped(check.compared),
             check.passed()
                 ? fmt::format("within {}, {} tipped", distance, grouped(check.different))
                 : distance + " apart: TOO FAR");
}

/// Whether the two are one network to whoever uses them, and says what there is to say about it.
/// \param codes  whether every layer of the two has been compared by its codes
bool agree(const Agreement& agreement, bool codes) {
  fmt::print("\n{}", labelled("pictures", grouped(agreement.pictures)));
  fmt::print("{}", labelled("accuracy", fmt::format("{} by the runtime, {} by the framework",
                                                    percent(agreement.accuracy, 2),
                                                    percent(agreement.framework_accuracy, 2))));
  const auto count = [&](double fraction) {
    return grouped(std::llround(fraction * static_cast<double>(agreement.pictures)));
  };
  const std::string others =
      agreement.same_answer == 1
          ? ""
          : fmt::format(
                "; of the others {} are right by the runtime alone, {} by the framework alone",
                count(agreement.gained), count(agreement.lost));
  fmt::print("{}", labelled("agreement", fmt::format("the same answer to {} of them{}",
                                                     percent(agreement.same_answer, 2), others)));
  fmt::print("{}",
             labelled("drift", fmt::format("scores differ by {:.2g} of the largest on average, "
                                           "{:.2g} at most",
                                           agreement.mean_drift, agreement.largest_drift)));
  if (agreement.same_answer >= least_agreement) return true;
  if (!codes) {
    fmt::print("{}", labelled("", "answers in float32 must be the same to 99.9 %"));
    return false;
  }
  if (!agreement.same_accuracy()) {
    fmt::print("{}", labelled("", "one is right more often than chance would have it"));
    return false;
  }
  fmt::print("{}", labelled("",
                            "sums between two codes are rounded to one here and to the other "
                            "there, and later layers pass that on; both are right equally often"));
  return true;
}

}  // namespace

int verify(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->positional.size() != 2)
    throw UsageError("verify needs a file and the run it is from; see 'espalier verify --help'");
  const std::string &path = arguments->positional[0], &folder = arguments->positional[1];
  compress::Value given = compress::Value::map();
  if (arguments->has("pictures")) given.set("pictures", option_value(*arguments, "pictures"));
  compress::MapReader reader(given, usage.command);
  int64_t count = reader.integer("pictures", {.min = 1, .max = 1000000, .fallback = 20});

  require_exported(path);
  experiment::RecordedRun run = open_run(usage, *arguments, folder);
  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const experiment::TrainingData data = open_data(run.config);
  experiment::ExportedFile file(path);
  compress::Description description = experiment::followed_network(run, data.evaluation.get());
  Network& network = description.network;
  compress::round_biases(network);
  fmt::print("{}{}", labelled("file", path), labelled("run", folder));
  // What the run says today must be what is in the file, to the last bit.
  const bool same = compress::exported_bytes(network) == file.bytes();
  fmt::print("{}", labelled("content", same ? "byte for byte what the run exports"
                                            : "NOT what the run exports: another run, or another "
                                              "version of the program"));
  bool passed = same;
  count = std::min(count, data.evaluation->size());
  fmt::print("\nevery operation twice, on {} test pictures:\n", count);
  const std::vector<compress::PictureValues> values =
      compress::runtime_values(network, experiment::picture_bytes(*data.evaluation, count));
  compress::verify(network, values, [&](const OperationCheck& check) {
    print_check(check);
    passed = passed && check.passed();
  });

  const bool codes = std::any_of(description.quantized.begin(), description.quantized.end(),
                                 [](int value) { return value >= 0; });
  if (codes) {
    fmt::print("\nevery quantized value of the run's network, from the codes in front of it:\n");
    const auto shown = [&](const SimulationCheck& check) {
      print_check(check);
      passed = passed && check.passed();
    };
    compress::verify_simulation(run.model, description,
                                experiment::first_pictures(*data.evaluation, count), values, shown);
  }
  passed = agree(experiment::agreement(run.model, file, *data.evaluation), codes) && passed;
  fmt::print("{}", labelled("verdict", passed ? "passed" : "FAILED"));
  return passed ? 0 : 1;
}

}  // namespace espalier::app
