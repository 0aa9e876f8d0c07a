#include "espalier/experiment/train_config.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "support/files.h"

using namespace espalier;

TEST_CASE("a training configuration is written as it is run, and reads back the same") {
  const compress::Value given = compress::parse_yaml(
      "model: lenet300\n"
      "data: {name: synthetic, limit: 100, hold_out: 20}\n"
      "epochs: 2\n"
      "threads: 1\n"
      "optimizer: SGD\n",
      "given.yaml");
  const experiment::TrainConfig config = experiment::TrainConfig::from(given);
  CHECK(config.accuracy_key() == "validation_accuracy");
  const std::string written = compress::to_yaml(config.to_value());
  CHECK_THAT(written, Catch::Contains("lr: 0.01") && Catch::Contains("batch: 64"));
  const auto again = experiment::TrainConfig::from(compress::parse_yaml(written, "written.yaml"));
  CHECK(compress::to_yaml(again.to_value()) == written);
}

TEST_CASE("a training configuration chooses kernels, itself or in a file") {
  const std::string rest =
      "model: lenet300\ndata: {name: synthetic, limit: 100}\nepochs: 1\noptimizer: SGD\n";
  const auto read = [&](const std::string& kernels) {
    return experiment::TrainConfig::from(compress::parse_yaml(rest + kernels, "given.yaml"));
  };
  const experiment::KernelChoices wanted = {{"matmul", "eigen"}, {"matmul 3x4x2 a bT", "baseline"}};
  const auto config = read("kernels: {matmul: eigen, matmul 3x4x2 a bT: baseline}\n");
  CHECK(config.kernels == wanted);
  const std::string written = compress::to_yaml(config.to_value());
  CHECK(experiment::TrainConfig::from(compress::parse_yaml(written, "w.yaml")).kernels == wanted);

  const testing::TemporaryFile file("matmul: eigen\nmatmul 3x4x2 a bT: baseline\n", "kernels.yaml");
  CHECK(read("kernels: '" + file.path() + "'\n").kernels == wanted);

  CHECK_THROWS_WITH(read("kernels: {matmull: eigen}\n"),
                    "[config] given.yaml:5:11: there is no operation 'matmull'; did you mean "
                    "'matmul'?");
  CHECK_THROWS_WITH(read("kernels: {matmul: egen}\n"),
                    Catch::Contains("given.yaml:5:19: matmul has no kernel") &&
                        Catch::Contains("reference, eigen"));
  CHECK_THROWS_WITH(read("kernels: [matmul]\n"), Catch::Contains("given.yaml:5:10: kernels must"));
}

TEST_CASE("a training configuration holds a network written as layers") {
  const std::string rest = "data: {name: synthetic, limit: 100}\nepochs: 1\noptimizer: SGD\n";
  const auto read = [&](const std::string& model) {
    return experiment::TrainConfig::from(
        compress::parse_yaml("model:\n" + model + rest, "given.yaml"));
  };
  const auto config = read("  input: [4, 4, 1]\n  layers: [Flatten, Linear: {out: 7}]\n");
  CHECK(config.model.classes == 7);
  const std::string written = compress::to_yaml(config.to_value());
  const auto again = experiment::TrainConfig::from(compress::parse_yaml(written, "written.yaml"));
  CHECK(again.model.make().parameter_count() == 7 * 17);
  CHECK(compress::to_yaml(again.to_value()) == written);
  CHECK_THROWS_WITH(
      read("  input: 16\n  layers: [Linear: {out: 7}]\n"),
      Catch::Equals("[config] given.yaml:2:3: model network takes rows of values, but "
                    "all data are pictures; give input as [height, width, channels] "
                    "and begin with Flatten"));
}
