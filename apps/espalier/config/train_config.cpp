#include "config/train_config.h"

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"

namespace espalier::app {
namespace {

using compress::MapReader;
using compress::Value;

/// The threads a team can have; see FlushDenormals.
/// Far more than anyone waits for, and safely an int.
constexpr int64_t most_epochs = 1000000;

nn::NamedModel read_model(MapReader& reader) {
  std::vector<std::string> names;
  for (const nn::NamedModel& model : nn::named_models()) names.push_back(model.name);
  return nn::named_model(reader.choice("model", names));
}

/// Sets a key of the options of `Name: {options}` or `Name`. Whatever has another form is left as
/// it is, for the reader to complain about.
void set_option(Value& choice, const std::string& key, const Value& value) {
  if (choice.is_text()) {
    const compress::Position position = choice.position();
    choice = Value::map({{choice.as_text(), Value::map(), position}});
    choice.set_position(position);
  }
  if (!choice.is_map() || choice.as_map().size() != 1) return;
  Value& options = *choice.find(choice.as_map().front().key);
  if (options.is_map() || options.is_null()) options.set(key, value, value.position());
}

void override_with(Value& config, const Arguments& arguments) {
  if (!config.is_map() && !config.is_null()) return;
  for (const std::string key : {"epochs", "batch", "seed", "threads"}) {
    if (!arguments.has(key)) continue;
    const Value value = option_value(arguments, key);
    config.set(key, value, value.position());
  }
  if (Value* optimizer = config.find("optimizer"); optimizer && arguments.has("lr")) {
    set_option(*optimizer, "lr", option_value(arguments, "lr"));
  }
}

}  // namespace

TrainConfig TrainConfig::from(const Value& value) {
  MapReader reader(value, "the configuration");
  TrainConfig config;
  config.model = read_model(reader);
  config.model_position = reader.require("model").position();
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
  const Value* compress = reader.find("compress");
  const bool empty = !compress || (compress->is_map() && compress->as_map().empty());
  if (!empty) config.compress = *compress;
  reader.finish();
  return config;
}

Value TrainConfig::to_value() const {
  Value map = Value::map({{"model", model.name},
                          {"data", data.to_value()},
                          {"batch", batch},
                          {"epochs", epochs},
                          {"seed", seed},
                          {"threads", threads},
                          {"optimizer", optimizer.to_value()},
                          {"schedule", schedule.to_value()}});
  if (!compress.is_null()) map.set("compress", compress);
  return map;
}

TrainConfig TrainConfig::dense() const {
  TrainConfig dense = *this;
  dense.compress = Value();
  return dense;
}

TrainConfig read_train_config(const std::string& path) {
  return TrainConfig::from(compress::read_yaml_file(path));
}

TrainConfig read_train_config(const std::string& path, const Arguments& arguments) {
  Value file = compress::read_yaml_file(path);
  override_with(file, arguments);
  TrainConfig config = TrainConfig::from(file);
  if (arguments.has("data")) {
    if (config.data.name == "synthetic") throw UsageError("--data: synthetic data has no files");
    config.data.dir_here = arguments.values.at("data");
  }
  return config;
}

}  // namespace espalier::app
