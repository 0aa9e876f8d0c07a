#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/config/value.h"
#include "espalier/experiment/epoch_metrics.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

namespace run_file {
inline constexpr const char* config = "config.yaml";
inline constexpr const char* metrics = "metrics.jsonl";
inline constexpr const char* weights = "model.safetensors";
}  // namespace run_file

/// Below a run's folder: the same training without compression.
inline constexpr const char* dense_folder = "dense";

/// The folder in which a training leaves what it did:
///
///     config.yaml        the configuration as run; `espalier train` takes it again
///     metrics.jsonl      a line for each epoch
///     model.safetensors  the weights after the last epoch
///
/// If not a single epoch is recorded, it is taken away again.
class RunFolder {
 public:
  /// The folder the user asked for or, if none, `runs/<name of the configuration>`; if that holds a
  /// run already, `…-2`, `…-3` and so on.
  /// \throws ConfigError when the one asked for holds a run or is a file; Error if it cannot be
  /// made
  static RunFolder choose(const std::optional<std::string>& asked_for,
                          const std::string& config_path);
  /// The folder `name` in this one. \throws as `choose`
  RunFolder below(const std::string& name) const;

  RunFolder(RunFolder&&) noexcept = default;
  ~RunFolder();

  std::string path() const { return path_.string(); }
  void write_config(const compress::Value& config);
  /// Adds the epoch's line, and replaces the weights. \throws Error when the disk is full, say
  void record(const EpochMetrics& metrics, const std::string& accuracy_key,
              const nn::Module& model);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  RunFolder(std::filesystem::path path, File metrics, bool made)
      : path_(std::move(path)), metrics_(std::move(metrics)), made_(made) {}
  static std::optional<RunFolder> claim(const std::filesystem::path& path);

  std::filesystem::path path_;
  File metrics_;  // null in one that was moved from
  bool made_;     // the folder was not there before
  bool recorded_ = false;
};

}  // namespace espalier::experiment
