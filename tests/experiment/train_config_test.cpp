#include "espalier/experiment/train_config.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/yaml.h"

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
