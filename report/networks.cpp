#include "espalier/report/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <variant>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/export_model.h"
#include "espalier/experiment/exported_file.h"
#include "espalier/experiment/exported_network.h"
#include "espalier/experiment/inference_bench.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/speeds.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/nn/summary.h"

namespace espalier::report {

namespace fs = std::filesystem;
using experiment::ExportedFile;
using experiment::RecordedRun;

namespace {

/// A network that was begun with a file of weights.
DenseNetwork from_file(const RecordedRun& run, const std::string& path) {
  DenseNetwork dense{{run.config.dense(), run.config.model.make(), {}, std::nullopt, true}, path};
  experiment::load_start_weights(dense.run.model, run.config.model, path,
                                 run.config.start_from_position);
  return dense;
}

}  // namespace

std::optional<DenseNetwork> find_dense(const std::string& folder, const RecordedRun& run,
                                       std::vector<std::string>& missing) {
  if (run.config.compress.is_null()) return std::nullopt;
  const std::string beside = (fs::path(folder) / experiment::dense_folder).string();
  if (fs::exists(fs::path(beside) / experiment::run_file::weights))
    return DenseNetwork{experiment::read_run(beside), beside, true};
  const std::string made_from = experiment::recorded_origin(folder).run;
  const std::string& parent = run.config.start_from.empty() ? made_from : run.config.start_from;
  if (parent.empty()) {
    missing.push_back(
        run.last ? "There is no network without compression to compare with: `espalier train "
                   "--with-dense` trains one beside the run."
                 : "The run was not trained but made of another one, and which is not on record: "
                   "there is no network without compression to compare with.");
    return std::nullopt;
  }
  if (!fs::exists(parent)) {
    missing.push_back(
        fmt::format("The network that the run began with, '{}', is not there any "
                    "more, so there is none to compare with.",
                    parent));
    return std::nullopt;
  }
  try {
    if (!fs::is_directory(parent)) return from_file(run, parent);
    RecordedRun began_with = experiment::read_run(parent);
    std::vector<std::string> ignored;  // it is compared with itself then
    if (auto further = find_dense(parent, began_with, ignored)) return further;
    return DenseNetwork{std::move(began_with), parent};
  } catch (const Error& error) {
    missing.push_back(
        fmt::format("The network that the run began with cannot be read: {}.", error.what()));
    return std::nullopt;
  }
}

std::optional<ExportedNetwork> exported(RecordedRun& run, const datasets::Dataset* pictures,
                                        std::string& why_not) {
  try {
    ExportedNetwork result{experiment::exported_network(run, pictures), {}};
    result.bytes = compress::exported_bytes(result.network);
    return result;
  } catch (const Error& error) {
    why_not = error.what();
    return std::nullopt;
  }
}

Figures figures(RecordedRun& run, const std::optional<ExportedNetwork>& exported,
                const std::vector<Layer>& layers) {
  const nn::ModelSummary summary = nn::summarise(run.model, run.config.model.sample);
  Figures result;
  result.file_bytes = exported ? static_cast<int64_t>(exported->bytes.size())
                               : summary.parameters * static_cast<int64_t>(sizeof(float));
  result.macs = summary.multiply_adds;
  double bits = 0, nonzero_macs = 0;
  for (const Layer& layer : layers) {
    result.weights += layer.weights;
    result.nonzero += layer.nonzero;
    bits += layer.bits * static_cast<double>(layer.weights);
    // A weight is used as often as any other of its layer.
    if (layer.weights > 0) {
      nonzero_macs += static_cast<double>(layer.macs) * static_cast<double>(layer.nonzero) /
                      static_cast<double>(layer.weights);
    }
  }
  if (result.weights > 0) result.bits = bits / static_cast<double>(result.weights);
  result.nonzero_macs = static_cast<int64_t>(nonzero_macs + 0.5);
  return result;
}

std::vector<double> latencies_us(const std::vector<const ExportedNetwork*>& networks,
                                 double seconds) {
  constexpr int windows = 5, warm_up_calls = 5;
  Engine engine({.threads = 1});
  const EngineScope scope(engine);
  struct Measured {
    std::unique_ptr<ExportedFile> file;
    std::vector<uint8_t> pixels;
    experiment::Speeds speeds = {};
    std::vector<double> windows = {};
    void answer() { file->scores(pixels, 1); }
  };
  std::vector<Measured> all;
  for (const ExportedNetwork* network : networks) {
    Measured one{std::make_unique<ExportedFile>(network->bytes, "the exported network"), {}};
    one.pixels = experiment::random_pixels(*one.file, 1);
    for (int i = 0; i < warm_up_calls; ++i) one.answer();
    all.push_back(std::move(one));
  }
  for (int window = 0; window < windows; ++window) {
    for (Measured& one : all) {
      experiment::measure_window(seconds / windows, 1, one.speeds, one.windows,
                                 [&] { one.answer(); });
    }
  }
  std::vector<double> result;
  for (Measured& one : all) {
    experiment::summarise(std::move(one.windows), one.speeds);
    result.push_back(1e6 / one.speeds.median);
  }
  return result;
}

std::map<std::string, double> layer_latencies_us(const ExportedNetwork& network, double seconds) {
  std::vector<std::string> names;
  std::vector<ExportedNetwork> layers;
  for (const compress::file::Operation& operation : network.network.operations) {
    if (!std::holds_alternative<compress::file::Convolution>(operation.what) &&
        !std::holds_alternative<compress::file::Linear>(operation.what))
      continue;
    const auto value = [&](int number) {
      return network.network.values[static_cast<size_t>(number)];
    };
    ExportedNetwork alone;
    alone.network.values = {value(operation.inputs.front()), value(operation.output)};
    alone.network.operations = {operation};
    alone.network.operations[0].inputs = {0};
    alone.network.operations[0].output = 1;
    alone.bytes = compress::exported_bytes(alone.network);
    names.push_back(operation.layer);
    layers.push_back(std::move(alone));
  }
  std::vector<const ExportedNetwork*> pointers;
  for (const ExportedNetwork& layer : layers) pointers.push_back(&layer);
  std::map<std::string, double> times;
  if (layers.empty()) return times;
  const std::vector<double> measured =
      latencies_us(pointers, seconds / static_cast<double>(layers.size()));
  for (size_t i = 0; i < names.size(); ++i) times[names[i]] += measured[i];
  return times;
}

}  // namespace espalier::report
