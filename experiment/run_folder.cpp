#include "espalier/experiment/run_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/nn/io/weights.h"

namespace espalier::experiment {
namespace {

namespace fs = std::filesystem;

bool holds_run(const fs::path& folder) {
  for (const char* file : {run_file::config, run_file::metrics, run_file::weights}) {
    if (fs::exists(folder / file)) return true;
  }
  return false;
}

/// `lenet5` for `configs/lenet5.yaml`; a run's own configuration is called by the run.
std::string default_name(const fs::path& config) {
  const fs::path folder = fs::absolute(config).parent_path();
  const bool of_run = config.filename() == run_file::config && folder.has_filename();
  return of_run ? folder.filename().string() : config.stem().string();
}

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
  throw Error("run", fmt::format("cannot write '{}': {}", path.string(), reason));
}

}  // namespace

RunFolder RunFolder::choose(const std::optional<std::string>& asked_for,
                            const std::string& config_path) {
  if (asked_for) {
    if (asked_for->empty()) throw compress::ConfigError("the run's folder needs a name");
    if (auto folder = claim(*asked_for)) return std::move(*folder);
    throw compress::ConfigError(fmt::format(
        "'{}' already holds a run; choose another folder, or remove it first", *asked_for));
  }
  const fs::path first = fs::path("runs") / default_name(config_path);
  if (auto folder = claim(first)) return std::move(*folder);
  for (int number = 2;; ++number) {
    if (auto folder = claim(first.string() + "-" + std::to_string(number))) {
      return std::move(*folder);
    }
  }
}

RunFolder RunFolder::below(const std::string& name) const {
  if (auto folder = claim(path_ / name)) return std::move(*folder);
  throw compress::ConfigError(fmt::format("'{}' already holds a run", (path_ / name).string()));
}

std::optional<RunFolder> RunFolder::claim(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_directory(path, error)) {
    throw compress::ConfigError(
        fmt::format("the run's folder '{}' is a file; choose another", path.string()));
  }
  if (holds_run(path) || holds_run(path / dense_folder)) return std::nullopt;
  const bool made = fs::create_directories(path, error);
  if (error) fail(path, error.message());
  // Exclusively: of two trainings that start at once, one gets the folder.
  const fs::path metrics = path / run_file::metrics;
  File file(std::fopen(metrics.c_str(), "wxe"));
  if (!file && errno == EEXIST) return std::nullopt;
  if (!file) fail(metrics, std::strerror(errno));
  return RunFolder(path, std::move(file), made);
}

RunFolder::~RunFolder() {
  if (!metrics_ || recorded_) return;
  std::error_code ignored;
  fs::remove(path_ / run_file::metrics, ignored);
  fs::remove(path_ / run_file::config, ignored);
  if (made_) fs::remove(path_, ignored);  // unless there is something in it
}

void RunFolder::write_config(const compress::Value& config) {
  write_file_atomically((path_ / run_file::config).string(), compress::to_yaml(config));
}

void RunFolder::record(const EpochMetrics& metrics, const std::string& accuracy_key,
                       const nn::Module& model) {
  nn::save_weights(model, (path_ / run_file::weights).string());
  recorded_ = true;
  const std::string line = metrics.to_line(accuracy_key) + "\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), metrics_.get()) == line.size() &&
                       std::fflush(metrics_.get()) == 0;
  if (!written) fail(path_ / run_file::metrics, std::strerror(errno));
}

}  // namespace espalier::experiment
