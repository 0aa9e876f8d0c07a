#include "espalier/experiment/data_config.h"

#include <fmt/format.h>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/datasets/mnist.h"
#include "espalier/datasets/subset.h"
#include "espalier/datasets/synthetic.h"

namespace espalier::experiment {
namespace {

using compress::ConfigError;
using compress::Value;
using datasets::DatasetPtr;
using datasets::Split;

constexpr int64_t synthetic_samples = 10000, synthetic_test_samples = 2000;

compress::Position position_of(const Value* value) {
  return value ? value->position() : compress::Position();
}

DatasetPtr open_split(const DataConfig& config, const Shape& sample, Split split) {
  const std::string dir = config.dir_here.value_or(config.dir);
  if (config.name == "mnist") return datasets::mnist(dir, split);
  if (config.name == "fashion-mnist") return datasets::fashion_mnist(dir, split);
  const bool train = split == Split::train;
  return datasets::synthetic(
      {.samples = train ? config.limit.value_or(synthetic_samples) : synthetic_test_samples,
       .shape = sample,
       .split = split});
}

}  // namespace

const std::vector<DataKind>& data_kinds() {
  static const std::vector<DataKind> kinds = {
      {"mnist", "handwritten digits, 60,000 and 10,000 pictures, from files"},
      {"fashion-mnist", "articles of clothing, 60,000 and 10,000 pictures, from files"},
      {"synthetic", "made-up patterns, as many as `limit` says, needs no files"},
  };
  return kinds;
}

DataConfig DataConfig::from(const Value& value) {
  Value map = value;
  if (value.is_text()) {  // just the name
    map = Value::map({{"name", value}});
    map.set_position(value.position());
  }
  compress::MapReader reader(map, "data");
  std::vector<std::string> names;
  for (const DataKind& kind : data_kinds()) names.push_back(kind.name);
  DataConfig config;
  config.name = reader.choice("name", names);
  config.dir = reader.text("dir", "");
  config.limit_position = position_of(reader.find("limit"));
  config.hold_out_position = position_of(reader.find("hold_out"));
  if (reader.has("limit")) config.limit = reader.integer("limit", {.min = 1});
  if (config.name == "synthetic" && !config.limit) config.limit = synthetic_samples;
  config.hold_out = reader.integer("hold_out", {.min = 0, .fallback = 0});
  if (config.name == "synthetic" && !config.dir.empty()) {
    reader.fail("dir", "makes no sense for made-up pictures");
  }
  reader.finish();
  return config;
}

Value DataConfig::to_value() const {
  Value map = Value::map({{"name", name}});
  if (limit) map.set("limit", *limit);
  map.set("hold_out", hold_out);
  if (!dir.empty()) map.set("dir", dir);
  return map;
}

TrainingData open_data(const DataConfig& config, const Shape& sample) {
  TrainingData data;
  data.train = open_split(config, sample, Split::train);
  if (config.limit && *config.limit > data.train->size()) {
    throw ConfigError(config.limit_position,
                      fmt::format("limit is {}, but {} has {} training pictures", *config.limit,
                                  config.name, data.train->size()));
  }
  if (config.limit) data.train = datasets::first_samples(data.train, *config.limit);
  if (config.hold_out == 0) {
    data.evaluation = open_split(config, sample, Split::test);
    return data;
  }
  const int64_t left = data.train->size() - config.hold_out;
  if (left < 1) {
    throw ConfigError(config.hold_out_position,
                      fmt::format("hold_out is {}, which leaves nothing of {} training pictures",
                                  config.hold_out, data.train->size()));
  }
  data.evaluation = datasets::last_samples(data.train, config.hold_out);
  data.train = datasets::first_samples(data.train, left);
  return data;
}

}  // namespace espalier::experiment
