#include "espalier/experiment/train_config.h"

#include <fmt/format.h>

#include <filesystem>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/file_value.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

/// Far more than anyone waits for, and safely an int.
constexpr int64_t most_epochs = 1000000;

/// Where a plugin is: relative paths begin at the file that names it, as with `compress: FILE`. One
/// that was moved since is looked for beside that file, for runs that go to another machine.
std::string plugin_path(const Value& plugin) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path named = absolute_path_in(plugin);
  if (fs::is_regular_file(named, ignored)) return named.string();
  const compress::Position& from = plugin.position();
  const fs::path folder = from.file ? fs::path(*from.file).parent_path() : fs::path();
  const fs::path beside = folder / named.filename();
  if (fs::is_regular_file(beside, ignored)) return fs::absolute(beside).string();
  throw compress::ConfigError(
      from, "there is no plugin '" + named.string() + "'" +
                (from.file ? "; a copy of it beside this file would do as well" : ""));
}

/// `plugins: [top_rows.so]`.
std::vector<std::string> read_plugins(MapReader& reader) {
  const Value* list = reader.find("plugins");
  if (!list) return {};
  if (!list->is_list()) reader.fail("plugins", "must be a list of files, not " + list->describe());
  std::vector<std::string> plugins;
  for (const Value& plugin : list->as_list()) {
    if (!plugin.is_text()) reader.fail("plugins", "must be a list of files");
    plugins.push_back(plugin_path(plugin));
  }
  return plugins;
}

double read_checkpoint_seconds(MapReader& reader, double fallback) {
  const Value* section = reader.find("checkpoint");
  if (!section) return fallback;
  MapReader options(*section, "checkpoint");
  const double seconds = options.number("seconds", {.min = 0, .fallback = fallback});
  options.finish();
  return seconds;
}

/// `shrink: {every: 2}`.
std::optional<int> read_shrink(MapReader& reader, bool compresses) {
  const Value* section = reader.find("shrink");
  if (!section) return std::nullopt;
  if (!compresses)
    reader.fail("shrink", "removes channels that pruners mask, but there is no section 'compress'");
  MapReader options(*section, "shrink");
  const int64_t every = options.integer(
      "every", {.min = 1,
                .max = most_epochs,
                .help = "after how many epochs channels that are masked whole are removed"});
  options.finish();
  return static_cast<int>(every);
}

}  // namespace

TrainConfig TrainConfig::from(const Value& value) {
  MapReader reader(value, "the configuration");
  TrainConfig config;
  config.model = ModelConfig::from(reader.require("model"));
  if (config.model.sample.axes() != 3) {
    throw compress::ConfigError(
        config.model.position,
        "model " + config.model.name +
            " takes rows of values, but all data "
            "are pictures; give input as [height, width, channels] and begin "
            "with Flatten");
  }
  config.data = DataConfig::from(reader.require("data"));
  config.batch = reader.integer("batch", {.min = 1, .fallback = config.batch});
  config.epochs = static_cast<int>(reader.integer("epochs", {.min = 1, .max = most_epochs}));
  config.seed = static_cast<uint64_t>(reader.integer("seed", {.min = 0, .fallback = 0}));
  config.threads = static_cast<int>(
      reader.integer("threads", {.min = 1, .max = max_threads, .fallback = available_cores()}));
  config.optimizer = read_choice(reader.require("optimizer"), "optimizer", optimizer_kinds());
  const Value* schedule = reader.find("schedule");
  config.schedule =
      read_choice(schedule ? *schedule : Value("constant"), "schedule", schedule_kinds());
  config.label_smoothing =
      reader.number("label_smoothing", {.min = 0, .below = 1, .fallback = config.label_smoothing});
  config.checkpoint_seconds = read_checkpoint_seconds(reader, config.checkpoint_seconds);
  const Value* compress = reader.find("compress");
  const bool empty = !compress || (compress->is_map() && compress->as_map().empty());
  if (!empty) config.compress = compress::resolve_sections(*compress);
  config.shrink_every = read_shrink(reader, !empty);
  if (const Value* kernels = reader.find("kernels")) config.kernels = read_kernel_choices(*kernels);
  config.plugins = read_plugins(reader);
  if (const Value* teacher = reader.find("teacher")) config.teacher = TeacherConfig::from(*teacher);
  if (reader.has("start_from")) {
    reader.text("start_from");
    config.start_from = absolute_path_in(reader.require("start_from"));
    config.start_from_position = reader.require("start_from").position();
  }
  reader.finish();
  return config;
}

Value TrainConfig::to_value() const {
  Value map = Value::map({{"model", model.to_value()},
                          {"data", data.to_value()},
                          {"batch", batch},
                          {"epochs", epochs},
                          {"seed", seed},
                          {"threads", threads},
                          {"optimizer", optimizer.to_value()},
                          {"schedule", schedule.to_value()},
                          {"label_smoothing", label_smoothing},
                          {"checkpoint", Value::map({{"seconds", checkpoint_seconds}})}});
  if (!kernels.empty()) map.set("kernels", experiment::to_value(kernels));
  if (!plugins.empty()) {
    Value list = Value::list();
    for (const std::string& plugin : plugins) list.append(Value(plugin));
    map.set("plugins", list);
  }
  if (!start_from.empty()) map.set("start_from", start_from);
  if (teacher) map.set("teacher", teacher->to_value());
  if (!compress.is_null()) map.set("compress", compress);
  if (shrink_every) map.set("shrink", Value::map({{"every", *shrink_every}}));
  return map;
}

TrainConfig TrainConfig::dense() const {
  TrainConfig dense = *this;
  dense.compress = Value();
  dense.shrink_every.reset();
  return dense;
}

TrainConfig read_train_config(const std::string& path) {
  return TrainConfig::from(compress::read_yaml_file(path));
}

TrainingData open_data(const TrainConfig& config) {
  TrainingData data = open_data(config.data, config.model.sample);
  const ModelConfig& model = config.model;
  const Shape& given = data.train->sample_shape();
  if (model.sample != given) {
    throw compress::ConfigError(
        model.position,
        fmt::format("model {} takes pictures of {}, but those of {} are {}", model.name,
                    model.sample.to_string(), config.data.name, given.to_string()));
  }
  if (model.classes < data.train->classes()) {
    throw compress::ConfigError(
        model.position, fmt::format("model {} tells {} classes apart, but {} has {}", model.name,
                                    model.classes, config.data.name, data.train->classes()));
  }
  return data;
}

}  // namespace espalier::experiment
