#include "espalier/experiment/train_config.h"

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

/// Far more than anyone waits for, and safely an int.
constexpr int64_t most_epochs = 1000000;

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
  const Value* compress = reader.find("compress");
  const bool empty = !compress || (compress->is_map() && compress->as_map().empty());
  if (!empty) config.compress = *compress;
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

}  // namespace espalier::experiment
