#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "espalier/autograd/core/platform.h"
#include "espalier/experiment/checkpoint.h"
#include "espalier/experiment/epoch_metrics.h"
#include "espalier/experiment/train_config.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

namespace run_file {
inline constexpr const char* config = "config.yaml";
inline constexpr const char* metrics = "metrics.jsonl";
inline constexpr const char* mask_history = "mask_history";
inline constexpr const char* weights = "model.safetensors";
inline constexpr const char* checkpoint = "checkpoint";
inline constexpr const char* trace = "trace.json";  ///< of `train --profile`, a time line
}  // namespace run_file

/// What a file of a run's folder holds, `run_file::metrics` say; nothing if it is not there.
std::optional<std::string> recorded_file(const std::string& folder, const char* name);

/// Below a run's folder: the same training without compression.
inline constexpr const char* dense_folder = "dense";

/// The folder in which a training leaves what it did:
///
///     config.yaml        the configuration as run; a training takes it again
///     metrics.jsonl      a line for each epoch
///     mask_history       which weights were masked, epoch by epoch, if any can be (mask_history.h)
///     model.safetensors  the weights after the last epoch
///     checkpoint         what the training needs to go on where it stopped
///
/// Whoever trains has metrics.jsonl open and locked, so that two never work in one folder.
///
/// A process may be killed between any two steps. At the start: metrics.jsonl comes first and,
/// while there is no config.yaml, marks no run, the next one takes the folder over; checkpoint
/// second; config.yaml last. At the end of an epoch: weights, masks, the line, the checkpoint.
/// Until the latter is there, a training that goes on does the epoch again from the checkpoint
/// before, with the same result; what is on record of epochs that are not in the checkpoint is
/// dropped then (`keep_epochs`).
///
/// If a new run leaves before it has anything to show, its folder is taken away again.
class RunFolder {
 public:
  /// A folder for a new run: the one asked for or, if none, `runs/<name of the configuration>`; if
  /// that holds a run already, `…-2`, `…-3` and so on. It holds the configuration then.
  /// \param with_dense  the same training without compression is to come first
  /// \throws ConfigError when the one asked for holds a run or is a file; Error if it cannot be
  /// made
  static RunFolder create(const std::optional<std::string>& asked_for,
                          const std::string& config_path, const TrainConfig& config,
                          bool with_dense);
  /// The folder of a run that is to go on. What a killed process has left half written is removed.
  /// \throws ConfigError when there is no run in it, or one that is being trained; Error for a
  /// damaged checkpoint
  static RunFolder reopen(const std::string& path);
  /// The folder `name` in this one: reopened if it holds a run, or else created.
  RunFolder below(const std::string& name, const TrainConfig& config) const;

  RunFolder(RunFolder&& other) noexcept = default;
  ~RunFolder();

  std::string path() const { return path_.string(); }
  /// The configuration as run.
  const TrainConfig& config() const { return config_; }
  bool with_dense() const { return facts_.with_dense; }
  /// Looks for the data somewhere else from now on.
  void set_data_dir(const std::string& dir);

  /// Remembers what the run was made from, and how: of one that was not trained.
  /// \throws Error if it cannot be written
  void set_origin(const Origin& origin);

  /// Epochs that are done and saved.
  int epochs_done() const { return epochs_done_; }
  /// What a run that goes on has saved; without a training if it did not come so far. It is large,
  /// so it can be taken once.
  Checkpoint take_checkpoint() { return std::move(saved_); }
  /// Where to go on from, for the end of messages: `the end of epoch 3`; empty if nothing is saved.
  const std::string& saved_place() const { return saved_place_; }
  /// Of the last epoch there is a line for.
  std::optional<EpochMetrics> last_metrics() const;

  /// Drops the lines of metrics.jsonl after those of the first `epochs`, and so with the records of
  /// mask_history; if there are fewer of the latter it is of no use and goes.
  /// \throws Error when there are fewer lines
  void keep_epochs(int epochs);
  /// Keeps weights that come of no training here: were brought from elsewhere, or quantized after
  /// one. \throws as `record`
  void keep_weights(const nn::Module& model);
  /// Replaces the weights, and adds the epoch's line and, unless it is empty, its record of masks.
  /// \throws Error when the disk is full, say
  void record(const EpochMetrics& metrics, const nn::Module& model, std::string_view masks = {});
  /// Replaces the checkpoint. \throws Error; the old one stays
  void save(nn::State training);

 private:
  RunFolder(std::filesystem::path path, TrainConfig config, ExclusiveFile metrics);
  static std::optional<RunFolder> claim(const std::filesystem::path& path,
                                        const TrainConfig& config);
  void begin(bool with_dense);
  void write_checkpoint(nn::State training);
  void keep_mask_records(int epochs);
  std::string file(const char* name) const { return (path_ / name).string(); }

  std::filesystem::path path_;
  TrainConfig config_;
  std::unique_ptr<ExclusiveFile> metrics_;  // null in one that was moved from
  std::unique_ptr<ExclusiveFile> masks_;    // mask_history; null before something is recorded
  RunFacts facts_;
  Checkpoint saved_;
  int epochs_done_ = 0;
  std::string saved_place_;
  bool fresh_ = false;  // a new run with nothing to show yet
  bool made_ = false;   // its folder was not there before
};

}  // namespace espalier::experiment
