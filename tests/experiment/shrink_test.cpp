// Channels that go while a network trains, and what becomes of its files.
#include <catch2/catch.hpp>

#include "espalier/compress/config/config_error.h"
#include "espalier/datasets/loader.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/nn/train/evaluation.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;
using Catch::Contains;
using testing::TemporaryFolder;

namespace {

constexpr const char* network =
    "{input: [8, 8, 1], layers: [Conv2d: {name: conv, out: 8, kernel: 3, bias: false}, "
    "BatchNorm2d, "
    "ReLU, Flatten, Linear: {name: fc1, out: 12}, ReLU, Linear: {name: fc2, out: 10}]}";

constexpr const char* sgd = "optimizer: {SGD: {lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n";

/// Half of the channels go in the second epoch; or a part in each.
std::string with(const std::string& pruner, const std::string& options, int every) {
  return "compress: {" + pruner + ": {config: [{sparsity: 0.5, multiple: 2" + options +
         "}]}}\nshrink: {every: " + std::to_string(every) + "}\n";
}

Shape shape_in(const std::string& run, const std::string& parameter) {
  const experiment::RecordedRun recorded = experiment::read_run(run);
  for (const nn::NamedParameter& named : recorded.model.parameters()) {
    if (named.path() == parameter) return named.parameter->shape();
  }
  return {};
}

class Removals : public experiment::Observer {
 public:
  void on_channels_removed(const std::vector<compress::RemovedChannels>& removed) override {
    for (const compress::RemovedChannels& group : removed)
      text += group.group + " " + std::to_string(group.before) + "-" + std::to_string(group.after) +
              " ";
  }
  std::string text;
};

}  // namespace

TEST_CASE("shrink: dead channels go at the end of the epochs that it names, and after the last") {
  const TemporaryFolder folder;
  const auto removals = [&](const std::string& options, int every) {
    Removals observer;
    const std::string run = folder / (options + std::to_string(every));
    CHECK(train(small_config(sgd + with("L1FilterPruner", options, every), network), run, -1,
                observer));
    CHECK(shape_in(run, "fc1.weight") == Shape{6, 4 * 36});
    return observer.text;
  };
  CHECK(removals("", 2) == "conv 8-4 fc1 12-6 ");
  CHECK(removals(", start_epoch: 2", 2) == "conv 8-4 fc1 12-6 ");  // every: 2 does not meet it
  CHECK(removals(", end_epoch: 3", 1) == "conv 8-4 fc1 12-6 ");    // 0, 7/16, 1/2 of channels
}

TEST_CASE("shrink: a training stopped after any step ends in the same bytes") {
  const std::string settings = GENERATE(
      sgd + with("L1FilterPruner", "", 1), sgd + with("TaylorPruner", ", end_epoch: 3", 1),
      "optimizer: {Adam: {lr: 0.002}}\n" + with("SlimPruner", ", start_epoch: 1", 1),
      "optimizer: {AdamW: {lr: 0.002}}\n" + with("FPGMPruner", ", unit: step, start_step: 3", 1),
      sgd + std::string("compress: {L2FilterPruner: {config: [{sparsity: 0.5, multiple: 2}]}, "
                        "QATQuantizer: {config: [{q_bits: 8}]}}\nshrink: {every: 1}\n"));
  CAPTURE(settings);
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(settings, network);
  REQUIRE(train(config, folder / "whole"));
  const Result whole = result_of(folder / "whole");
  for (const int steps : {3, 6, 8, 12, 14}) {
    CAPTURE(steps);
    const std::string run = folder / std::to_string(steps);
    CHECK_FALSE(train(config, run, steps));
    CHECK(train(config, run));
    CHECK((result_of(run) == whole));
  }
}

TEST_CASE("shrink: the smaller network is read, begun with and learnt from") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(sgd + with("L1FilterPruner", "", 1), network);
  experiment::RunFolder to = experiment::RunFolder::create(folder / "run", "", config, false);
  experiment::Experiment trained(config);
  experiment::Observer observer;
  const auto outcome = trained.run(small_data(config), to, observer);
  REQUIRE(outcome);
  experiment::RecordedRun run = experiment::read_run(folder / "run");
  datasets::Loader loader(small_data(config).evaluation, {.batch = 30});
  const nn::Evaluation recorded = nn::evaluate(run.model, loader);
  CHECK(recorded.loss == nn::evaluate(trained.model(), loader).loss);
  CHECK(recorded.accuracy == outcome->accuracy);

  const std::string here = "'" + (folder / "run") + "'";
  // The training that begins with it is stopped and goes on: the checkpoint knows its size.
  const experiment::TrainConfig again =
      small_config(sgd + with("L1FilterPruner", "", 1) + "start_from: " + here + "\n", network);
  REQUIRE(train(again, folder / "again"));
  CHECK(shape_in(folder / "again", "fc1.weight") == Shape{4, 2 * 36});  // of 6 and of 4 channels
  CHECK_FALSE(train(again, folder / "stopped", 8));
  CHECK(train(again, folder / "stopped"));
  CHECK((result_of(folder / "stopped") == result_of(folder / "again")));

  CHECK(train(small_config(sgd + std::string("teacher: ") + here + "\n", network),
              folder / "student"));
  CHECK(shape_in(folder / "student", "fc1.weight") == Shape{12, 8 * 36});
  CHECK_THROWS_WITH(experiment::Experiment(
                        small_config(sgd + std::string("start_from: ") + here + "\n", "lenet300")),
                    Contains("cannot start from these weights"));
}

TEST_CASE("shrink: what is wrong with it is said") {
  CHECK_THROWS_WITH(small_config(std::string(sgd) + "shrink: {every: 2}\n", network),
                    Contains("no section 'compress'"));
  CHECK_THROWS_WITH(small_config(sgd + with("L1FilterPruner", "", 0), network),
                    Contains("every must be an integer in [1, "));
  const experiment::TrainConfig config = small_config(sgd + with("L1FilterPruner", "", 2), network);
  CHECK(config.shrink_every == 2);
  CHECK(*experiment::TrainConfig::from(config.to_value()).shrink_every == 2);
  CHECK_FALSE(config.dense().shrink_every);
}
