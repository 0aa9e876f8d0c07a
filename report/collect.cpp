#include "espalier/report/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/datasets/subset.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/report/activations.h"
#include "espalier/report/layers.h"
#include "espalier/report/networks.h"
#include "espalier/report/predictions.h"
#include "espalier/report/schedule.h"

namespace espalier::report {

namespace fs = std::filesystem;
using datasets::DatasetPtr;
using experiment::EpochMetrics;
using experiment::RecordedRun;

namespace {

/// Fills a `Run`, one part after the other.
class Collector {
 public:
  Collector(std::string folder, const CollectOptions& options)
      : folder_(std::move(folder)), options_(options) {
    const fs::path path = fs::path(folder_).lexically_normal();
    const fs::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
    run_.name = last == "." || last == ".." || last.empty()
                    ? fs::absolute(path).lexically_normal().parent_path().filename().string()
                    : last.string();
  }

  Run collect();

 private:
  void tell(const std::string& what) const {
    if (options_.on_progress) options_.on_progress(folder_ + ": " + what);
  }
  void lack(std::string sentence) { run_.missing.push_back(std::move(sentence)); }
  void describe(const RecordedRun& recorded);
  void add_commands(const RecordedRun& recorded);
  void add_epochs(const RecordedRun& recorded);
  std::vector<EpochMetrics> metrics_of(const std::string& folder, const RecordedRun& recorded);
  void open_pictures(const RecordedRun& recorded);
  void add_networks(RecordedRun& recorded, std::optional<DenseNetwork>& dense,
                    const std::vector<std::string>& pruned);
  void add_latencies(const std::optional<ExportedNetwork>& compressed,
                     const std::optional<ExportedNetwork>& dense);
  void add_answers(RecordedRun& recorded, std::optional<DenseNetwork>& dense);
  void add_activations(RecordedRun& recorded);

  std::string folder_;
  const CollectOptions& options_;
  Run run_;
  std::vector<EpochMetrics> metrics_;
  DatasetPtr pictures_;  // those that the run was judged with; null: they are not to be had
};

Run Collector::collect() {
  if (!fs::exists(fs::path(folder_) / experiment::run_file::config)) {
    throw compress::ConfigError(fmt::format("'{}' holds no run: there is no {} in it", folder_,
                                            experiment::run_file::config));
  }
  tell("reading the run");
  RecordedRun recorded = experiment::read_run(folder_);
  Engine engine({.threads = recorded.config.threads});
  const EngineScope scope(engine);
  describe(recorded);
  add_epochs(recorded);
  const Schedule schedule = schedule_of(folder_, recorded, metrics_, run_.missing);
  run_.events = schedule.events;
  if (!recorded.has_weights) {
    lack(
        "No epoch of the run is finished, so there is no network to look at: `espalier train "
        "--resume` goes on with it.");
    return std::move(run_);
  }
  open_pictures(recorded);
  std::optional<DenseNetwork> dense = find_dense(folder_, recorded, run_.missing);
  add_networks(recorded, dense, schedule.pruned);
  add_answers(recorded, dense);
  add_activations(recorded);
  return std::move(run_);
}

void Collector::describe(const RecordedRun& recorded) {
  const experiment::TrainConfig& config = recorded.config;
  run_.model = config.model.name;
  run_.data = config.data.name;
  for (const auto& compressor : recorded.compressors)
    run_.algorithms += (run_.algorithms.empty() ? "" : ", ") + compressor->name();
  if (run_.algorithms.empty()) run_.algorithms = "no compression";
  run_.accuracy_of = config.data.hold_out > 0 ? "held-out training pictures" : "test pictures";
  run_.config = experiment::recorded_file(folder_, experiment::run_file::config).value_or("");
  run_.seed = config.seed;
  try {
    const auto checkpoint = experiment::read_checkpoint(
        (fs::path(folder_) / experiment::run_file::checkpoint).string());
    if (checkpoint) {
      const auto written = [&](const std::string& what) {
        const auto found = checkpoint->written_by.find(what);
        return found == checkpoint->written_by.end() ? "" : found->second;
      };
      run_.version = written("program");
      const std::string threads = written("threads");
      run_.machine = fmt::format("{} thread{}, {} kernels", threads, threads == "1" ? "" : "s",
                                 written("instruction_set"));
    } else {
      lack(
          "The run's file `checkpoint` is not there: on which machine it was trained is not "
          "known.");
    }
  } catch (const Error& error) {
    lack(fmt::format("On which machine the run was trained is not known: {}.", error.what()));
  }
  add_commands(recorded);
}

void Collector::add_commands(const RecordedRun& recorded) {
  const experiment::Origin origin = experiment::recorded_origin(folder_);
  const std::string data = experiment::recorded_data_dir(folder_);
  const auto train = [&](const std::string& folder, bool with_dense) {
    std::string command =
        fmt::format("espalier train {0}/{1} --out {0}-again",
                    fs::path(folder).lexically_normal().string(), experiment::run_file::config);
    if (with_dense) command += " --with-dense";
    if (!data.empty()) command += " --data " + data;
    return command;
  };
  if (!origin.command.empty()) {
    run_.commands.push_back(origin.command);
    return;
  }
  if (!recorded.last && recorded.has_weights) return;  // who made it left no word
  const std::string& start = recorded.config.start_from;
  if (!start.empty() && fs::exists(fs::path(start) / experiment::run_file::config))
    run_.commands.push_back(train(start, false));
  const bool with_dense = fs::is_directory(fs::path(folder_) / experiment::dense_folder);
  run_.commands.push_back(train(folder_, with_dense));
}

std::vector<EpochMetrics> Collector::metrics_of(const std::string& folder,
                                                const RecordedRun& recorded) {
  return experiment::read_metrics((fs::path(folder) / experiment::run_file::metrics).string(),
                                  recorded.config.accuracy_key());
}

void Collector::add_epochs(const RecordedRun& recorded) {
  metrics_ = metrics_of(folder_, recorded);
  for (const EpochMetrics& metrics : metrics_)
    run_.epochs.push_back({metrics, metrics.target_sparsity});
  // Of a network that was made of another one there are no epochs, and it is whole all the same.
  const bool made = metrics_.empty() && recorded.has_weights;
  run_.finished =
      made || (!metrics_.empty() && metrics_.back().epoch + 1 >= recorded.config.epochs);
  if (!run_.finished) {
    lack(fmt::format("The run is not finished: {} of its {} epochs are done.", metrics_.size(),
                     recorded.config.epochs));
  }
}

void Collector::open_pictures(const RecordedRun& recorded) {
  experiment::TrainConfig config = recorded.config;
  if (options_.data_dir) {
    config.data.dir_here = *options_.data_dir;
  } else if (const std::string dir = experiment::recorded_data_dir(folder_); !dir.empty()) {
    config.data.dir_here = dir;
  }
  tell("opening the pictures");
  try {
    pictures_ = open_data(config).evaluation;
    if (options_.pictures > 0 && options_.pictures < pictures_->size())
      pictures_ = datasets::first_samples(pictures_, options_.pictures);
  } catch (const Error& error) {
    lack(
        fmt::format("The pictures are not to be had, so that answers and activations are not "
                    "shown; `--data DIR` says where they are: {}.",
                    error.what()));
  }
}

void Collector::add_networks(RecordedRun& recorded, std::optional<DenseNetwork>& dense,
                             const std::vector<std::string>& pruned) {
  tell("looking at the weights");
  std::string why_not;
  const auto compressed_file = exported(recorded, pictures_.get(), why_not);
  if (!compressed_file) {
    lack(
        fmt::format("Sizes are those of float32 numbers, and there is no time of a picture, as "
                    "the network cannot be exported: {}.",
                    why_not));
  }
  run_.layers = sizes_of_layers(recorded, compressed_file);
  run_.compressed = figures(recorded, compressed_file, run_.layers);
  if (!metrics_.empty()) run_.compressed.accuracy = metrics_.back().accuracy;
  add_sparsities(metrics_, run_.layers);
  add_histograms(recorded, dense ? &dense->run.model : nullptr, run_.layers);
  add_masks(folder_, recorded, pruned, run_.layers, run_.missing);
  std::optional<ExportedNetwork> dense_file;
  if (dense) {
    run_.dense_from = dense->from;
    dense_file = exported(dense->run, pictures_.get(), why_not);
    run_.dense = figures(dense->run, dense_file, sizes_of_layers(dense->run, dense_file));
    if (dense->run.last) run_.dense->accuracy = dense->run.last->accuracy;
    if (dense->trained_beside_it && dense->run.last) {
      for (const EpochMetrics& metrics : metrics_of(dense->from, dense->run))
        run_.dense_epochs.push_back({metrics, {}});
    }
  }
  add_latencies(compressed_file, dense_file);
}

void Collector::add_latencies(const std::optional<ExportedNetwork>& compressed,
                              const std::optional<ExportedNetwork>& dense) {
  if (options_.latency_seconds <= 0 || !compressed) return;
  tell("measuring the time of a picture");
  std::vector<const ExportedNetwork*> networks = {&*compressed};
  if (dense) networks.push_back(&*dense);
  const std::vector<double> times = latencies_us(networks, options_.latency_seconds);
  run_.compressed.latency_us = times[0];
  if (dense) run_.dense->latency_us = times[1];
  tell("measuring the time of each layer");
  try {
    for (const auto& [name, time] : layer_latencies_us(*compressed, options_.latency_seconds)) {
      for (Layer& layer : run_.layers) {
        if (layer.name == name) layer.time_us = time;
      }
    }
  } catch (const Error& error) {
    lack(fmt::format("The time of single layers is not known: {}.", error.what()));
  }
}

void Collector::add_answers(RecordedRun& recorded, std::optional<DenseNetwork>& dense) {
  if (!pictures_) return;
  tell("asking the network for its answers");
  const std::vector<int64_t> ours = answers(recorded.model, pictures_);
  run_.confusion = confusion(ours, *pictures_);
  const bool all = options_.pictures == 0;
  if (!run_.compressed.accuracy && all) run_.compressed.accuracy = accuracy(ours, *pictures_);
  if (!dense) return;
  tell("asking the network without compression");
  const std::vector<int64_t> theirs = answers(dense->run.model, pictures_);
  if (!run_.dense->accuracy && all) run_.dense->accuracy = accuracy(theirs, *pictures_);
  const Difference found = difference(theirs, ours, *pictures_);
  run_.lost_in_all = static_cast<int64_t>(found.lost.size());
  run_.won_in_all = found.won;
  const std::vector<std::string>& classes = run_.confusion->classes;
  const auto name = [&](int64_t k) { return classes.at(static_cast<size_t>(k)); };
  const auto shown = std::min<size_t>(found.lost.size(), static_cast<size_t>(options_.lost));
  for (size_t i = 0; i < shown; ++i) {
    const int64_t index = found.lost[i];
    const auto at = static_cast<size_t>(index);
    run_.lost.push_back({.picture = picture(*pictures_, index),
                         .truth = name(pictures_->label(index)),
                         .dense = name(theirs[at]),
                         .compressed = name(ours[at]),
                         .index = index});
  }
}

void Collector::add_activations(RecordedRun& recorded) {
  if (!pictures_) return;
  const bool attached = std::any_of(recorded.compressors.begin(), recorded.compressors.end(),
                                    [](const auto& each) { return each->attached(); });
  if (!attached) return;
  tell("looking at activations");
  run_.activations = activations(recorded.model, pictures_);
}

}  // namespace

Run collect_run(const std::string& folder, const CollectOptions& options) {
  return Collector(folder, options).collect();
}

Report collect(const std::vector<std::string>& folders, const CollectOptions& options) {
  Report report;
  for (const std::string& folder : folders) report.runs.push_back(collect_run(folder, options));
  return report;
}

}  // namespace espalier::report
