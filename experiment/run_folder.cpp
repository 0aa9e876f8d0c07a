#include "espalier/experiment/run_folder.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/mask_history.h"
#include "espalier/nn/io/weights.h"

namespace espalier::experiment {
namespace {

namespace fs = std::filesystem;
using compress::ConfigError;

/// A metrics file without a line is what a process leaves that was killed before anything else.
bool holds_run(const fs::path& folder) {
  std::error_code missing;
  const auto metrics = fs::file_size(folder / run_file::metrics, missing);
  return (!missing && metrics > 0) || fs::exists(folder / run_file::config) ||
         fs::exists(folder / run_file::weights);
}

/// `lenet5` for `configs/lenet5.yaml`; a run's own configuration is called by the run.
std::string default_name(const fs::path& config) {
  const fs::path folder = fs::absolute(config).parent_path();
  const bool of_run = config.filename() == run_file::config && folder.has_filename();
  return of_run ? folder.filename().string() : config.stem().string();
}

void remove_partial_files(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    for (const char* ours : {run_file::config, run_file::weights, run_file::checkpoint}) {
      if (name.starts_with(std::string(ours) + partial_mark)) fs::remove(entry.path(), ignored);
    }
  }
}

/// For a file of a folder that is locked already.
std::unique_ptr<ExclusiveFile> open_for_writing(const std::string& path) {
  std::optional<ExclusiveFile> opened = ExclusiveFile::open(path);
  if (!opened) throw Error("run", fmt::format("'{}' is held by another process", path));
  return std::make_unique<ExclusiveFile>(std::move(*opened));
}

std::string as_run(const TrainConfig& config) {
  return compress::to_yaml(config.to_value());
}

}  // namespace

std::optional<std::string> recorded_file(const std::string& folder, const char* name) {
  const fs::path path = fs::path(folder) / name;
  if (!fs::exists(path)) return std::nullopt;
  return read_file(path.string());
}

RunFolder::RunFolder(fs::path path, TrainConfig config, ExclusiveFile metrics)
    : path_(std::move(path)),
      config_(std::move(config)),
      metrics_(std::make_unique<ExclusiveFile>(std::move(metrics))) {}

RunFolder RunFolder::create(const std::optional<std::string>& asked_for,
                            const std::string& config_path, const TrainConfig& config,
                            bool with_dense) {
  if (asked_for && asked_for->empty()) throw ConfigError("the run's folder needs a name");
  const fs::path first =
      asked_for ? fs::path(*asked_for) : "runs" / fs::path(default_name(config_path));
  for (int number = 1;; ++number) {
    const std::string suffix = number == 1 ? "" : "-" + std::to_string(number);
    if (std::optional<RunFolder> folder = claim(first.string() + suffix, config)) {
      folder->begin(with_dense);
      return std::move(*folder);
    }
    if (asked_for) {
      throw ConfigError(fmt::format(
          "'{}' already holds a run; choose another folder, or remove it first", *asked_for));
    }
  }
}

RunFolder RunFolder::reopen(const std::string& path) {
  const fs::path folder(path);
  if (!fs::exists(folder / run_file::config)) {
    throw ConfigError(
        fmt::format("'{}' holds no run: there is no {} in it", path, run_file::config));
  }
  std::optional<ExclusiveFile> metrics = ExclusiveFile::open((folder / run_file::metrics).string());
  if (!metrics) {
    throw ConfigError(
        fmt::format("'{}' is being trained by another process; wait for it, or stop it", path));
  }
  RunFolder run(folder, read_train_config((folder / run_file::config).string()),
                std::move(*metrics));
  remove_partial_files(folder);
  std::optional<Checkpoint> checkpoint = read_checkpoint(run.file(run_file::checkpoint));
  // A training that is killed in its first epoch may have recorded it; one that is none has weights
  // alone, and one that has lost its checkpoint more.
  const bool has_weights = fs::exists(folder / run_file::weights);
  const bool is_no_training = checkpoint && !checkpoint->has_training() && !run.last_metrics();
  if (has_weights && (!checkpoint || is_no_training)) {
    throw ConfigError(
        fmt::format("'{0}' has weights, but {1}; train a new run from its weights: espalier train "
                    "{0}/config.yaml --from {0}",
                    path,
                    checkpoint ? "they come from no training that could go on"
                               : "its checkpoint is gone, so its training cannot go on"));
  }
  if (!checkpoint) return run;
  const std::string& saved = checkpoint->config;
  if (as_run(TrainConfig::from(compress::parse_yaml(saved, run_file::checkpoint))) !=
      as_run(run.config_)) {
    throw ConfigError(
        fmt::format("'{}' is no longer what the training was started with, which its checkpoint "
                    "belongs to; put "
                    "it back, or start a new run with it",
                    run.file(run_file::config)));
  }
  run.facts_ = checkpoint->facts;
  if (!run.facts_.data_dir.empty()) run.config_.data.dir_here = run.facts_.data_dir;
  run.epochs_done_ = checkpoint->epoch();
  if (checkpoint->has_training()) run.saved_place_ = checkpoint->place();
  run.saved_ = std::move(*checkpoint);
  return run;
}

RunFolder RunFolder::below(const std::string& name, const TrainConfig& config) const {
  const fs::path folder = path_ / name;
  if (fs::exists(folder / run_file::config)) return reopen(folder.string());
  return create(folder.string(), "", config, false);
}

std::optional<RunFolder> RunFolder::claim(const fs::path& path, const TrainConfig& config) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_directory(path, error)) {
    throw ConfigError(
        fmt::format("the run's folder '{}' is a file; choose another", path.string()));
  }
  if (holds_run(path) || holds_run(path / dense_folder)) return std::nullopt;
  const bool made = fs::create_directories(path, error);
  if (error) {
    throw Error("run",
                fmt::format("cannot make the folder '{}': {}", path.string(), error.message()));
  }
  // Exclusively: of two trainings that start at once, one gets the folder.
  std::optional<ExclusiveFile> metrics = ExclusiveFile::open((path / run_file::metrics).string());
  if (!metrics || holds_run(path)) return std::nullopt;
  RunFolder folder(path, config, std::move(*metrics));
  folder.fresh_ = true;
  folder.made_ = made;
  return folder;
}

void RunFolder::begin(bool with_dense) {
  facts_.with_dense = with_dense;
  if (config_.data.dir_here) set_data_dir(*config_.data.dir_here);
  write_checkpoint({});
  write_file_atomically(file(run_file::config), as_run(config_));
}

void RunFolder::set_data_dir(const std::string& dir) {
  // Whoever goes on may be in another folder.
  facts_.data_dir = fs::absolute(dir).string();
  config_.data.dir_here = facts_.data_dir;
}

void RunFolder::set_origin(const Origin& origin) {
  facts_.origin = {fs::absolute(origin.run).lexically_normal().string(), origin.command};
  write_checkpoint({});
}

RunFolder::~RunFolder() {
  if (!metrics_ || !fresh_ || holds_run(path_ / dense_folder)) return;
  std::error_code ignored;
  for (const char* name :
       {run_file::config, run_file::checkpoint, run_file::mask_history, run_file::metrics})
    fs::remove(path_ / name, ignored);
  if (made_) fs::remove(path_, ignored);  // unless there is something in it
}

std::optional<EpochMetrics> RunFolder::last_metrics() const {
  return experiment::last_metrics(file(run_file::metrics), config_.accuracy_key());
}

void RunFolder::keep_epochs(int epochs) {
  const std::string text = recorded_file(path_.string(), run_file::metrics).value_or("");
  size_t end = 0;
  for (int line = 0; line < epochs; ++line) {
    const size_t line_end = text.find('\n', end);
    if (line_end == std::string::npos) {
      throw Error("run", fmt::format("'{}' has {} of the {} lines that go with the checkpoint",
                                     file(run_file::metrics), line, epochs));
    }
    end = line_end + 1;
  }
  if (end < text.size()) metrics_->truncate(static_cast<int64_t>(end));
  keep_mask_records(epochs);
}

void RunFolder::keep_mask_records(int epochs) {
  masks_.reset();
  const std::optional<std::string> content = recorded_file(path_.string(), run_file::mask_history);
  if (!content) return;
  const std::optional<size_t> length = length_of_records(*content, epochs);
  if (epochs == 0 || !length) {
    // Of a process that was killed at the beginning; or the file does not go with the checkpoint.
    std::error_code ignored;
    fs::remove(file(run_file::mask_history), ignored);
  } else if (*length < content->size()) {
    open_for_writing(file(run_file::mask_history))->truncate(static_cast<int64_t>(*length));
  }
}

void RunFolder::keep_weights(const nn::Module& model) {
  nn::save_weights(model, file(run_file::weights));
  fresh_ = false;
}

void RunFolder::record(const EpochMetrics& metrics, const nn::Module& model,
                       std::string_view masks) {
  fresh_ = false;
  if (!masks.empty()) {
    if (!masks_) masks_ = open_for_writing(file(run_file::mask_history));
    masks_->append(masks);
  }
  // Before the weights: whoever finds weights of a training finds a line that belongs to it.
  metrics_->append(metrics.to_line(config_.accuracy_key()) + "\n");
  nn::save_weights(model, file(run_file::weights));
}

void RunFolder::save(nn::State training) {
  write_checkpoint(std::move(training));
  fresh_ = false;
}

void RunFolder::write_checkpoint(nn::State training) {
  Checkpoint checkpoint{facts_, as_run(config_), std::move(training), {}};
  const int epochs = checkpoint.epoch();
  const std::string place = checkpoint.has_training() ? checkpoint.place() : "";
  experiment::write_checkpoint(file(run_file::checkpoint), std::move(checkpoint));
  epochs_done_ = epochs;
  saved_place_ = place;
}

}  // namespace espalier::experiment
