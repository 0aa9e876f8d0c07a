#include "espalier/experiment/start_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/structure/channel_removal.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/nn/io/safetensors.h"
#include "espalier/nn/io/weights.h"

namespace espalier::experiment {

namespace fs = std::filesystem;
using compress::ConfigError;

std::string weights_of_run(const std::string& folder, const std::string& what,
                           const compress::Position& position) {
  const auto require = [&](const char* file, const char* why) {
    if (fs::exists(fs::path(folder) / file)) return;
    throw ConfigError(position,
                      fmt::format("{} '{}' {}: there is no {} in it", what, folder, why, file));
  };
  require(run_file::config, "is no run");
  require(run_file::weights, "has no weights, as no epoch of it is finished");
  return (fs::path(folder) / run_file::weights).string();
}

void fit_to_weights(nn::Module& model, const Shape& sample, const std::string& file) {
  const std::map<std::string, Shape> shapes = nn::weight_shapes(file);
  try {
    compress::fit_channels(model, sample, shapes);
  } catch (const Error&) {
    // The weights are of another network: loading them says so, and names the first tensor.
  }
}

void load_start_weights(nn::Module& model, const ModelConfig& config, const std::string& path,
                        const compress::Position& position) {
  if (!fs::exists(path)) {
    throw ConfigError(position, fmt::format("start_from: there is no run or file '{}'", path));
  }
  const std::string file =
      fs::is_directory(path) ? weights_of_run(path, "start_from:", position) : path;
  // Complains about a damaged file, which is no fault of this one.
  for (const auto& [name, tensor] : nn::read_safetensors(file).tensors) {
    const auto values = tensor.values();
    if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }))
      throw Error("weights",
                  "'" + name + "' in '" + file + "' has values that are no finite numbers");
  }
  try {
    fit_to_weights(model, config.sample, file);
    nn::load_weights(model, file);
  } catch (const Error& error) {
    throw ConfigError(position, fmt::format("model {} cannot start from these weights: {}",
                                            config.name, error.what()));
  }
}

}  // namespace espalier::experiment
