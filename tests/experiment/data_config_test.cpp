#include "espalier/experiment/data_config.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "support/files.h"

namespace espalier::experiment {
namespace {

using Catch::Matchers::Contains;
using testing::Bytes;
using testing::TemporaryFolder;

DataConfig read(const std::string& yaml) {
  return DataConfig::from(compress::parse_yaml(yaml, "it.yaml"));
}

// That reading or opening the data ends with a ConfigError that says `text`.
void expect_refused(const std::string& yaml, const std::string& text) {
  CAPTURE(yaml);
  const auto open = [&] { return open_data(read(yaml), {28, 28, 1}); };
  CHECK_THROWS_AS(open(), compress::ConfigError);
  CHECK_THROWS_WITH(open(), Contains("it.yaml:1:") && Contains(text));
}

// Three classes with ten grey pictures of 2×2 each.
void write_pictures(const std::string& folder) {
  for (const std::string name : {"a", "b", "c"}) {
    for (char i = '0'; i <= '9'; ++i) {
      const std::string picture = std::string("P5\n2 2\n255\n") + i + i + i + i;
      testing::write_plain(folder + "/" + name + "/" + i + ".pgm",
                           Bytes(picture.begin(), picture.end()));
    }
  }
}

}  // namespace

TEST_CASE("data: what is written as run reads back the same") {
  const std::string written = compress::to_yaml(
      read("{name: folder, dir: pics, size: [48, 64], augment: {pad: 4, flip: true}}").to_value());
  CHECK_THAT(written, Contains("test_fraction: 0.2") && Contains("split_seed: 0") &&
                          Contains("memory_mib: 4096") && Contains("channels: 3") &&
                          Contains("cutout: 0"));
  const DataConfig again = read(written);
  CHECK(again.folder.height == 48);
  CHECK(again.folder.width == 64);
  CHECK(again.augment.pad == 4);
  CHECK(again.augment.flip);
  CHECK(compress::to_yaml(again.to_value()) == written);
  CHECK_THAT(compress::to_yaml(read("cifar10").to_value()), !Contains("augment"));
}

TEST_CASE("data: the number of classes is known before the pictures are read") {
  CHECK(read("mnist").classes() == 10);
  CHECK(read("cifar10").classes() == 10);
  CHECK(read("cifar100").classes() == 100);
  const TemporaryFolder folder;
  write_pictures(folder.path());
  testing::write_plain(folder / "a/broken.png", {'x'});
  CHECK(read("{name: folder, dir: " + folder.path() + "}").classes() == 3);
  CHECK_THROWS_AS(read("{name: folder, dir: nowhere}").classes(), Error);
}

TEST_CASE("data: a folder of pictures, split by its own seed or held out") {
  const TemporaryFolder folder;
  write_pictures(folder.path());
  const auto open = [&](const std::string& more) {
    return open_data(
        read("{name: folder, size: [4, 5], channels: 1, dir: " + folder.path() + more + "}"),
        {28, 28, 1});
  };
  const TrainingData data = open(", test_fraction: 0.4");
  CHECK(data.train->size() + data.evaluation->size() == 30);
  CHECK(data.train->sample_shape() == Shape{4, 5, 1});
  CHECK(data.evaluation->classes() == 3);
  const auto labels = [](const TrainingData& opened) {
    std::vector<int32_t> result;
    for (int64_t i = 0; i < opened.train->size(); ++i) result.push_back(opened.train->label(i));
    return result;
  };
  CHECK(labels(open(", test_fraction: 0.4")) == labels(data));
  CHECK(labels(open(", test_fraction: 0.4, split_seed: 7")) != labels(data));

  const TrainingData held = open(", test_fraction: 0, hold_out: 9, limit: 28");
  CHECK(held.train->size() == 19);
  CHECK(held.evaluation->size() == 9);

  // What the command line names wins.
  DataConfig elsewhere = read("{name: folder, dir: nowhere, channels: 1}");
  elsewhere.dir_here = folder.path();
  CHECK(open_data(elsewhere, {28, 28, 1}).train->classes() == 3);

  expect_refused("{name: folder, test_fraction: 0, dir: " + folder.path() + "}",
                 "test_fraction is 0");
}

TEST_CASE("data: impossible settings are errors with a place") {
  expect_refused("folder", "need the key dir");
  expect_refused("{name: folder, dir: x, size: 32}", "[height, width]");
  expect_refused("{name: folder, dir: x, size: [0, 32]}", "size");
  expect_refused("{name: folder, dir: x, channels: 2}", "not 2");
  expect_refused("{name: folder, dir: x, test_fraction: 1}", "test_fraction");
  expect_refused("{name: cifar10, size: [32, 32]}", "unknown key 'size'");
  expect_refused("{name: cifar01}", "did you mean 'cifar10");
  expect_refused("{name: synthetic, augment: {pad: -1}}", "pad");
  expect_refused("{name: synthetic, augment: {pad: 28}}", "pad is 28");
  expect_refused("{name: synthetic, augment: {cutuot: 8}}", "did you mean 'cutout'");
  expect_refused("{name: synthetic, augment: 3}", "augment");
}

}  // namespace espalier::experiment
