// A training that was stopped, or killed at any moment, ends as one that was not.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;
using experiment::RunFolder;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

constexpr const char* momentum =
    "optimizer: {SGD: {lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n";

constexpr const char* agp = R"(
compress:
  AGPruner:
    config:
      - {final_sparsity: 0.9, unit: step, start_step: 2, end_step: 14, frequency: 3}
)";

/// Copies the run's folder at moments when a process might be killed.
class Snapshots : public experiment::Observer {
 public:
  Snapshots(std::string run, std::string copies)
      : run_(std::move(run)), copies_(std::move(copies)) {}
  void on_step_end(const nn::StepReport& report) override {
    if (report.step % 4 == 0) copy("step");
  }
  /// Weights and line are there, the checkpoint is of the epoch before.
  void on_epoch_recorded(const experiment::EpochMetrics&) override { copy("epoch"); }
  void on_epoch_begin(int) override { copy("begin"); }

  std::vector<std::string> taken;

 private:
  void copy(const std::string& moment) {
    taken.push_back(copies_ + "/" + moment + std::to_string(taken.size()));
    fs::copy(run_, taken.back());
  }
  std::string run_, copies_;
};

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

}  // namespace

TEST_CASE("a training stopped after any step ends in the same bytes") {
  const std::string settings = GENERATE(
      std::string(momentum),
      std::string("optimizer: {Adam: {lr: 0.002}}\nschedule: {one_cycle: {warmup: 0.3}}\n") + agp,
      std::string(momentum) +
          "schedule: cosine\ncompress: {LevelPruner: {config: [{sparsity: 0.8, frequency: 4}]}}\n",
      std::string(momentum) +
          "compress: {AGPruner: {config: [{final_sparsity: 0.5, end_epoch: 3, masked_weights: "
          "freeze}]}}\n",
      std::string(momentum) +
          "compress: {AGPruner: {config: [{final_sparsity: 0.5, end_epoch: 3}]}, QATQuantizer: "
          "{config: [{q_bits: 4, quant_start_step: 8, ema_decay: 0.9}]}}\n",
      std::string(momentum) +
          "compress: {DoReFaQuantizer: {config: [{weight_bits: 2, activation_bits: 2, "
          "gradient_bits: 6, start_epoch: 1, support_op: [fc1, fc2]}]}}\n",
      std::string(momentum) +
          "compress: {AGPruner: {config: [{final_sparsity: 0.8, end_epoch: 2}]}, "
          "WeightSharingQuantizer: {config: [{q_bits: 3, start_epoch: 1}]}}\n",
      std::string(momentum) + "kernels: {matmul 8x10x16 a bT: baseline, matmul: eigen}\n");
  CAPTURE(settings);
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(settings);
  REQUIRE(train(config, folder / "whole"));
  const Result whole = result_of(folder / "whole");
  REQUIRE(whole.metrics.size() == 3);
  for (const int steps : {1, 3, 6, 7, 12, 17}) {
    CAPTURE(steps);
    const std::string run = folder / std::to_string(steps);
    CHECK_FALSE(train(config, run, steps));
    CHECK(train(config, run));
    CHECK((result_of(run) == whole));
  }
  // Again and again.
  int stops = 0;
  while (!train(config, folder / "often", 2)) ++stops;
  CHECK(stops == 9);
  CHECK((result_of(folder / "often") == whole));
}

TEST_CASE("what layers remember beside their weights goes on too") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(
      std::string(momentum) +
          "compress: {LevelPruner: {config: [{sparsity: 0.5, frequency: 4}]}}\n",
      "{input: [8, 8, 1], layers: [Conv2d: {out: 4, kernel: 3}, BatchNorm2d, ReLU, Flatten, "
      "Dropout: {p: 0.3}, Linear: {out: 10}]}");
  REQUIRE(train(config, folder / "whole"));
  for (const int steps : {1, 7, 12}) {
    CAPTURE(steps);
    const std::string run = folder / std::to_string(steps);
    CHECK_FALSE(train(config, run, steps));
    CHECK(train(config, run));
    CHECK((result_of(run) == result_of(folder / "whole")));
  }
}

TEST_CASE("a training killed between any two files ends in the same bytes") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(std::string(momentum) + agp);
  Snapshots snapshots(folder / "whole", folder.path());
  REQUIRE(train(config, folder / "whole", -1, snapshots));
  const Result whole = result_of(folder / "whole");
  REQUIRE(snapshots.taken.size() == 10);
  for (const std::string& run : snapshots.taken) {
    CAPTURE(run);
    CHECK(train(config, run));
    CHECK((result_of(run) == whole));
  }

  // Half a line, and half a file beside each.
  const std::string run = folder / "half";
  CHECK_FALSE(train(config, run, 8));
  append(run + "/metrics.jsonl", "{\"epoch\":1,\"st");
  append(run + "/checkpoint.partial-1-0", "espst");
  append(run + "/model.safetensors.partial-1-0", "x");
  CHECK(train(config, run));
  CHECK((result_of(run) == whole));
  CHECK_FALSE(fs::exists(run + "/checkpoint.partial-1-0"));
  CHECK_FALSE(fs::exists(run + "/model.safetensors.partial-1-0"));

  // Without a checkpoint there is nothing to go on from, and what there is stays.
  const std::string lost = folder / "lost";
  CHECK_FALSE(train(config, lost, 8));
  const auto weights = experiment::recorded_file(lost, "model.safetensors");
  fs::remove(lost + "/checkpoint");
  CHECK_THROWS_WITH(train(config, lost), Catch::Contains("its checkpoint is gone"));
  CHECK((experiment::recorded_file(lost, "model.safetensors") == weights));
}

TEST_CASE("checkpoints within an epoch serve as well, and do not change the result") {
  const TemporaryFolder folder;
  const std::string settings = std::string(momentum) + agp;
  REQUIRE(train(small_config(settings), folder / "whole"));
  experiment::TrainConfig every_step = small_config(settings);
  every_step.checkpoint_seconds = 0;
  Snapshots snapshots(folder / "run", folder.path());
  REQUIRE(train(every_step, folder / "run", -1, snapshots));
  CHECK((result_of(folder / "run") == result_of(folder / "whole")));
  RunFolder between = RunFolder::reopen(snapshots.taken[1]);  // in step 4, before it is saved
  CHECK(between.saved_place() == "epoch 1 after 3 batches");
}

TEST_CASE("a run's folder belongs to one training at a time") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(momentum);
  const std::string path = folder / "run";
  {
    const RunFolder run = RunFolder::create(path, "", config, false);
    CHECK_THROWS_WITH(RunFolder::reopen(path), Catch::Contains("is being trained"));
    CHECK_THROWS_WITH(RunFolder::create(path, "", config, false), Catch::Contains("already holds"));
  }
  CHECK_FALSE(fs::exists(path));  // nothing to show
  CHECK_THROWS_WITH(RunFolder::reopen(path), Catch::Contains("holds no run"));

  // A process that was killed before the configuration was there leaves no run.
  fs::create_directories(path);
  append(path + "/metrics.jsonl", "");
  append(path + "/checkpoint", "");
  CHECK(train(config, path));
  CHECK_THROWS_AS(RunFolder::create(path, "", config, false), compress::ConfigError);
  CHECK(RunFolder::reopen(path).epochs_done() == 3);
}

TEST_CASE("a checkpoint that does not belong to the run is refused") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(momentum);
  const std::string path = folder / "run";
  CHECK_FALSE(train(config, path, 8));
  const testing::Bytes whole = testing::content_of(path + "/checkpoint");

  testing::Bytes damaged = whole;
  damaged[damaged.size() / 2] ^= 1;
  testing::write_plain(path + "/checkpoint", damaged);
  CHECK_THROWS_WITH(RunFolder::reopen(path), Catch::Contains("damaged"));
  damaged.resize(whole.size() - 100);
  testing::write_plain(path + "/checkpoint", damaged);
  CHECK_THROWS_WITH(RunFolder::reopen(path), Catch::Contains("cut short"));
  testing::write_plain(path + "/checkpoint", whole);

  {  // other data
    RunFolder run = RunFolder::reopen(path);
    experiment::Experiment experiment(config);
    experiment::Observer observer;
    CHECK_THROWS_WITH(experiment.run(open_data(config), run, observer),
                      Catch::Contains("30 evaluation samples") && Catch::Contains("2000"));
  }
  fs::resize_file(path + "/metrics.jsonl", 10);
  {
    RunFolder run = RunFolder::reopen(path);
    experiment::Experiment experiment(config);
    experiment::Observer observer;
    CHECK_THROWS_WITH(experiment.run(small_data(config), run, observer),
                      Catch::Contains("0 of the 1 lines"));
  }
  append(path + "/config.yaml", "label: 3\n");
  CHECK_THROWS_AS(RunFolder::reopen(path), compress::ConfigError);
  std::ofstream(path + "/config.yaml") << compress::to_yaml(
      small_config("optimizer: {SGD: {lr: 0.06, momentum: 0.9, weight_decay: 0.001}}\n")
          .to_value());
  CHECK_THROWS_WITH(RunFolder::reopen(path), Catch::Contains("no longer what"));
}

TEST_CASE("a loss that is no number leaves what was saved, and says where") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config("optimizer: {SGD: {lr: 1.0e+30}}\n");
  const std::string path = folder / "run";
  CHECK_THROWS_WITH(train(config, path), Catch::Contains("epoch 1 of 3, after"));
  CHECK_FALSE(fs::exists(path));

  // The weights are finite when they are saved after a step, or they are not saved.
  experiment::TrainConfig every_step = config;
  every_step.checkpoint_seconds = 0;
  every_step.optimizer = small_config("optimizer: {SGD: {lr: 1.0e+12}}\n").optimizer;
  CHECK_THROWS_WITH(train(every_step, path), Catch::Contains("still holds epoch 1 after"));
  CHECK_FALSE(RunFolder::reopen(path).saved_place().empty());
}

TEST_CASE("a run with a dense part goes on in either part") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(std::string(momentum) + agp);
  const auto go_on = [&](const std::string& path, int steps) {
    RunFolder run = fs::exists(path + "/config.yaml") ? RunFolder::reopen(path)
                                                      : RunFolder::create(path, "", config, true);
    experiment::Experiment experiment(run.config());
    experiment::Observer observer;
    return experiment::run(experiment, small_data(config), run, observer,
                           [&] { return --steps == 0; });
  };
  const auto whole = go_on(folder / "whole", -1);
  REQUIRE(whole);
  for (const int steps : {4, 18, 19, 25}) {
    CAPTURE(steps);
    const std::string path = folder / std::to_string(steps);
    CHECK_FALSE(go_on(path, steps));
    const auto rest = go_on(path, -1);
    REQUIRE(rest);
    CHECK(rest->dense->accuracy == whole->dense->accuracy);
    CHECK(rest->compressed.accuracy == whole->compressed.accuracy);
    CHECK((result_of(path) == result_of(folder / "whole")));
    CHECK((result_of(path + "/dense") == result_of(folder / "whole/dense")));
  }
}
