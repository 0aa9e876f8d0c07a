#include "espalier/experiment/data_config.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/datasets/cifar.h"
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

constexpr int64_t mebibyte = 1 << 20;

std::string place_of(const DataConfig& config) {
  const std::string dir = config.dir_here.value_or(config.dir);
  if (dir.empty() && config.name == "folder") {
    throw ConfigError(config.position,
                      "data of the name folder need the key dir: the folder that "
                      "holds a folder of pictures for each class");
  }
  return dir;
}

DatasetPtr open_split(const DataConfig& config, const Shape& sample, Split split) {
  const std::string dir = place_of(config);
  if (config.name == "mnist") return datasets::mnist(dir, split);
  if (config.name == "fashion-mnist") return datasets::fashion_mnist(dir, split);
  if (config.name == "cifar10") return datasets::cifar10(dir, split);
  if (config.name == "cifar100") return datasets::cifar100(dir, split);
  const bool train = split == Split::train;
  return datasets::synthetic(
      {.samples = train ? config.limit.value_or(synthetic_samples) : synthetic_test_samples,
       .shape = sample,
       .split = split});
}

// All training pictures and, unless some of those serve instead, the test pictures.
TrainingData open_both(const DataConfig& config, const Shape& sample) {
  if (config.name != "folder") {
    return {open_split(config, sample, Split::train),
            config.hold_out > 0 ? nullptr : open_split(config, sample, Split::test)};
  }
  const auto [train, test] = datasets::picture_folder(place_of(config), config.folder);
  if (config.hold_out == 0 && test->size() == 0) {
    throw ConfigError(config.position,
                      "test_fraction is 0, which leaves no pictures to evaluate on; raise it, or "
                      "set hold_out");
  }
  return {train, test};
}

datasets::Augmentation read_augmentation(const Value& value) {
  compress::MapReader reader(value, "augment");
  datasets::Augmentation augment;
  augment.pad = reader.integer("pad", {.min = 0, .fallback = augment.pad});
  augment.flip = reader.boolean("flip", augment.flip);
  augment.cutout = reader.integer("cutout", {.min = 0, .fallback = augment.cutout});
  reader.finish();
  return augment;
}

Value to_value(const datasets::Augmentation& augment) {
  return Value::map({{"pad", augment.pad}, {"flip", augment.flip}, {"cutout", augment.cutout}});
}

datasets::PictureFolderOptions read_folder(compress::MapReader& reader) {
  constexpr int64_t most_mebibytes = int64_t{1} << 40;
  datasets::PictureFolderOptions folder;
  const std::vector<int64_t> size =
      reader.integers("size", {.min = 1, .max = datasets::largest_picture_side},
                      std::vector<int64_t>{folder.height, folder.width});
  if (size.size() != 2) {
    reader.fail("size", fmt::format("must be [height, width], not {} numbers", size.size()));
  }
  folder.height = size[0];
  folder.width = size[1];
  folder.channels = reader.integer("channels", {.min = 1, .max = 3, .fallback = folder.channels});
  if (folder.channels == 2) reader.fail("channels", "must be 3 (colours) or 1 (grey), not 2");
  folder.test_fraction =
      reader.number("test_fraction", {.min = 0, .below = 1, .fallback = folder.test_fraction});
  folder.split_seed =
      static_cast<uint64_t>(reader.integer("split_seed", {.min = 0, .fallback = 0}));
  folder.memory_limit =
      mebibyte *
      reader.integer("memory_mib",
                     {.min = 1, .max = most_mebibytes, .fallback = folder.memory_limit / mebibyte});
  return folder;
}

// That the changes are possible in pictures of this size.
void check_augmentation(const DataConfig& config, const datasets::Dataset& data) {
  try {
    datasets::Augmenter(config.augment, data.sample_shape(), data.normalisation(), 0);
  } catch (const Error& error) {
    throw ConfigError(config.augment_position, error.what());
  }
}

}  // namespace

const std::vector<DataKind>& data_kinds() {
  static const std::vector<DataKind> kinds = {
      {"mnist", "handwritten digits, 60,000 and 10,000 pictures, from files"},
      {"fashion-mnist", "articles of clothing, 60,000 and 10,000 pictures, from files"},
      {"cifar10", "photographs of 10 classes, 50,000 and 10,000, from files"},
      {"cifar100", "photographs of 100 classes, 50,000 and 10,000, from files"},
      {"folder", "pictures of your own: a folder of picture files for each class"},
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
  config.position = value.position();
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
  config.augment_position = position_of(reader.find("augment"));
  if (const Value* augment = reader.find("augment")) config.augment = read_augmentation(*augment);
  if (config.name == "folder") config.folder = read_folder(reader);
  reader.finish();
  return config;
}

int DataConfig::classes() const {
  if (name == "folder") return static_cast<int>(datasets::picture_classes(place_of(*this)).size());
  return name == "cifar100" ? 100 : 10;
}

Value DataConfig::to_value() const {
  Value map = Value::map({{"name", name}});
  if (limit) map.set("limit", *limit);
  map.set("hold_out", hold_out);
  if (!dir.empty()) map.set("dir", dir);
  if (augment.any()) map.set("augment", experiment::to_value(augment));
  if (name == "folder") {
    map.set("size", std::vector<int64_t>{folder.height, folder.width});
    map.set("channels", folder.channels);
    map.set("test_fraction", folder.test_fraction);
    map.set("split_seed", folder.split_seed);
    map.set("memory_mib", folder.memory_limit / mebibyte);
  }
  return map;
}

TrainingData open_data(const DataConfig& config, const Shape& sample) {
  TrainingData data = open_both(config, sample);
  check_augmentation(config, *data.train);
  if (config.limit && *config.limit > data.train->size()) {
    throw ConfigError(config.limit_position,
                      fmt::format("limit is {}, but {} has {} training pictures", *config.limit,
                                  config.name, data.train->size()));
  }
  if (config.limit) data.train = datasets::first_samples(data.train, *config.limit);
  if (config.hold_out == 0) return data;
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
