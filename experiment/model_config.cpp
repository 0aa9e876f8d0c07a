#include "espalier/experiment/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/file_value.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/models.h"

namespace espalier::experiment {
namespace {

namespace fs = std::filesystem;

using compress::ConfigError;
using compress::MapReader;
using compress::Value;

/// A file may name another that holds the network; no honest chain is longer.
constexpr int longest_file_chain = 4;

const nn::NamedModel& known_model(const Value& name) {
  std::vector<std::string> names;
  std::string known;
  for (const nn::NamedModel& model : nn::named_models()) {
    if (model.name == name.as_text()) return model;
    names.push_back(model.name);
    known += model.name + ", ";
  }
  throw ConfigError(name.position(), "model must be one of " + known +
                                         "or a map with input and layers, not " + name.describe() +
                                         compress::did_you_mean(name.as_text(), names));
}

Shape read_input(MapReader& reader) {
  const std::vector<int64_t> extents = reader.integers("input", {.min = 1, .max = largest_size});
  if (extents.size() != 1 && extents.size() != 3) {
    reader.fail("input", fmt::format("must be [height, width, channels] of a picture or one number "
                                     "of values, not {} numbers",
                                     extents.size()));
  }
  return Shape(std::span<const int64_t>(extents));
}

}  // namespace

/// Reads networks, and the files they are in.
class ModelReader {
 public:
  explicit ModelReader(const LayerKinds& kinds) : kinds_(kinds) {}

  /// \param name  what the network is called unless it says so itself
  ModelConfig read(const Value& value, const std::string& name) {
    ModelConfig model;
    if (value.is_text()) {
      model = by_name(value);
    } else if (!value.is_map()) {
      throw ConfigError(
          value.position(),
          "model must be a name or a map with input and layers, not " + value.describe());
    } else {
      model = value.find("file") ? from_section(value) : from_layers(value, name);
    }
    model.position = value.position();
    return model;
  }

  ModelConfig read_file(const std::string& path) {
    const Value file = compress::read_yaml_file(path);
    const std::string name = fs::path(path).stem().string();
    if (const Value* model = file.find("model")) return read(*model, name);
    if (file.find("input") || file.find("layers")) return read(file, name);
    throw ConfigError(file.position(),
                      "there is no network here: a file of one has the keys input "
                      "and layers, a training configuration the key model");
  }

 private:
  static ModelConfig by_name(const Value& value) {
    const nn::NamedModel& known = known_model(value);
    ModelConfig model;
    model.name = known.name;
    model.description = known.description;
    model.sample = known.sample;
    model.classes = 10;
    model.make_ = known.make;
    model.written_ = known.name;
    return model;
  }

  ModelConfig from_section(const Value& value) {
    MapReader reader(value, "the model");
    reader.text("file");
    reader.finish();
    const Value& file = reader.require("file");
    if (++files_ > longest_file_chain) {
      throw ConfigError(file.position(), "each of these files names another for its network");
    }
    const std::string path = path_in(file);
    if (!fs::exists(path)) {
      throw ConfigError(file.position(), "there is no file '" + path + "'");
    }
    return read_file(path);
  }

  ModelConfig from_layers(const Value& value, const std::string& name) const {
    MapReader reader(value, "the model");
    ModelConfig model;
    model.name = reader.text("name", name);
    model.description = reader.text("description", "written as layers");
    model.sample = read_input(reader);
    const Value& list = reader.require("layers");
    reader.finish();
    const LayerChain chain = read_layers(list, "layers", model.sample, {kinds_, ""});
    if (chain.output.axes() != 1) {
      const Value& last = list.as_list().back();
      throw ConfigError(last.position(),
                        fmt::format("the last layer, '{}', makes a picture of {}, but a network "
                                    "ends in a row of one value for each class; put Flatten or "
                                    "GlobalAvgPool2d behind it",
                                    chain.layers.back().name, chain.output.to_string()));
    }
    model.classes = chain.output[0];
    model.make_ = [chain] { return chain.make(); };
    model.written_ =
        Value::map({{"name", model.name},
                    {"description", model.description},
                    {"input", std::vector<int64_t>(model.sample.begin(), model.sample.end())},
                    {"layers", chain.written()}});
    return model;
  }

  const LayerKinds& kinds_;
  int files_ = 0;
};

ModelConfig ModelConfig::from(const Value& value, const LayerKinds& kinds) {
  return ModelReader(kinds).read(value, "network");
}

ModelConfig ModelConfig::from(const Value& value) {
  return from(value, LayerKinds::with_builtin());
}

ModelConfig read_model_file(const std::string& path, const LayerKinds& kinds) {
  return ModelReader(kinds).read_file(path);
}

ModelConfig read_model_file(const std::string& path) {
  return read_model_file(path, LayerKinds::with_builtin());
}

}  // namespace espalier::experiment
