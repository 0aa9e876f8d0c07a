#include "mistaken_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "arguments.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/datasets/picture_file.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/nn/models.h"

namespace espalier::app {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code unreadable;
  return fs::is_directory(path, unreadable);
}

bool is_run(const fs::path& folder) {
  std::error_code unreadable;
  return fs::exists(folder / experiment::run_file::config, unreadable);
}

/// What lies in a folder, sorted; nothing for one that cannot be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code unreadable;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, unreadable))
    entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// Of these paths the one whose last part is nearest to that of `path`; or "".
std::string nearest_of(const fs::path& path, const std::vector<fs::path>& candidates) {
  std::vector<std::string> names;
  for (const fs::path& candidate : candidates) names.push_back(candidate.filename().string());
  const std::string near = compress::nearest(path.filename().string(), names);
  const auto place = std::find(names.begin(), names.end(), near);
  if (near.empty() || place == names.end()) return "";
  return candidates[static_cast<size_t>(place - names.begin())].lexically_normal().string();
}

std::string nearest_config(const fs::path& path) {
  std::vector<fs::path> configs;
  for (const fs::path& folder : {path.parent_path(), fs::path("configs")}) {
    for (const fs::path& file : entries_of(folder)) {
      if (file.extension() == ".yaml") configs.push_back(file);
    }
  }
  return nearest_of(path, configs);
}

bool is_model_name(const std::string& word) {
  const auto& models = nn::named_models();
  return std::any_of(models.begin(), models.end(), [&](const auto& m) { return m.name == word; });
}

/// Whether there is a folder in it with a picture in it.
bool looks_like_pictures(const fs::path& folder, int depth = 2) {
  for (const fs::path& entry : entries_of(folder)) {
    if (is_folder(entry) ? depth > 0 && looks_like_pictures(entry, depth - 1)
                         : datasets::has_picture_name(entry.string()))
      return true;
  }
  return false;
}

/// "a, b and 3 more"
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > most ? text + fmt::format(" and {} more", names.size() - most) : text;
}

}  // namespace

void require_config(const std::string& path) {
  if (is_folder(path)) {
    if (is_run(path)) {
      throw UsageError(fmt::format(
          "'{0}' is the folder of a run: 'espalier train --resume {0}' goes on with it, and "
          "'espalier train {0}/config.yaml' trains the same anew",
          path));
    }
    throw UsageError(
        fmt::format("'{}' is a folder, not a configuration{}", path,
                    looks_like_pictures(path)
                        ? fmt::format("; 'espalier new {}' writes one for the pictures in it", path)
                        : std::string()));
  }
  std::error_code unreadable;
  if (fs::exists(path, unreadable)) return;
  if (is_model_name(path)) {
    throw UsageError(
        fmt::format("there is no file '{0}': it is the name of a network, which a "
                    "configuration has as 'model: {0}'",
                    path));
  }
  const std::string near = nearest_config(path);
  throw UsageError(fmt::format(
      "there is no file '{}'; {}", path,
      near.empty() ? "'espalier new DIR' writes a configuration for pictures of your own"
                   : "did you mean '" + near + "'?"));
}

void require_run(const std::string& folder) {
  if (is_run(folder)) return;
  std::error_code unreadable;
  const std::string problem = fmt::format("'{}' holds no run: ", folder);
  if (is_folder(folder)) {
    std::vector<std::string> runs;
    for (const fs::path& entry : entries_of(folder)) {
      if (is_run(entry)) runs.push_back(entry.lexically_normal().string());
    }
    if (!runs.empty()) throw UsageError(problem + "its folders do, " + some_of(runs));
    throw UsageError(problem +
                     "there is no config.yaml in it; 'espalier train CONFIG.yaml' makes one");
  }
  if (fs::exists(folder, unreadable)) {
    const bool config = fs::path(folder).extension() == ".yaml";
    throw UsageError(problem +
                     (config ? fmt::format("it is a configuration; 'espalier train {}' makes "
                                           "a run of it, below runs/",
                                           folder)
                             : "it is a file; a run is the folder that a training leaves"));
  }
  std::vector<fs::path> runs;
  for (const fs::path& place : {fs::path(folder).parent_path(), fs::path("runs")}) {
    for (const fs::path& entry : entries_of(place)) {
      if (is_run(entry)) runs.push_back(entry);
    }
  }
  const std::string near = nearest_of(folder, runs);
  throw UsageError(problem + "there is no such folder" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

void require_exported(const std::string& path) {
  if (is_folder(path)) {
    throw UsageError(fmt::format("'{0}' is a folder, not an exported network{1}", path,
                                 is_run(path)
                                     ? fmt::format("; 'espalier export {} -o net.esp' makes "
                                                   "one of this run",
                                                   path)
                                     : std::string()));
  }
  std::error_code unreadable;
  if (!fs::exists(path, unreadable)) {
    throw UsageError(fmt::format(
        "there is no file '{}'; 'espalier export RUN -o {}' would write it", path, path));
  }
}

void require_not_of_run(const std::string& file, const std::string& run) {
  using namespace experiment;
  for (const char* name : {run_file::config, run_file::weights, run_file::checkpoint,
                           run_file::metrics, run_file::mask_history}) {
    std::error_code unreadable;
    if (fs::equivalent(file, fs::path(run) / name, unreadable))
      throw UsageError(fmt::format("'{}' is a file of the run itself; write to another", file));
  }
}

void require_folder_of(const std::string& file) {
  const fs::path folder = fs::absolute(file).parent_path();
  if (!is_folder(folder))
    throw UsageError(
        fmt::format("there is no folder '{}' to write '{}' into", folder.string(), file));
}

}  // namespace espalier::app
