#include "espalier/report/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/random.h"
#include "espalier/compress/export/describe.h"
#include "espalier/compress/export/export_model.h"
#include "espalier/experiment/exported_file.h"
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
        "There is no network without compression to compare with: `espalier train --with-dense` "
        "trains one beside the run.");
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
    compress::DescribeOptions options{.sample = run.config.model.sample};
    if (pictures) {
      options.mean = pictures->normalisation().mean;
      options.deviation = pictures->normalisation().deviation;
    }
    ExportedNetwork result{compress::describe(run.model, options), {}};
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
  const RandomStream random(0, Purpose::synthetic);
  std::vector<Measured> all;
  for (const ExportedNetwork* network : networks) {
    Measured one{std::make_unique<ExportedFile>(network->bytes, "the exported network"), {}};
    one.pixels.resize(static_cast<size_t>(one.file->model().input_size()));
    for (size_t i = 0; i < one.pixels.size(); ++i)
      one.pixels[i] = static_cast<uint8_t>(random.below(i, 256));
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

}  // namespace espalier::report
