// Which weights were masked when: what a run keeps of it.
#include "espalier/experiment/mask_history.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "espalier/autograd/core/error.h"
#include "espalier/experiment/recorded_run.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;
using experiment::MaskChanges;
using experiment::WeightHistory;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

constexpr const char* momentum = "optimizer: {SGD: {lr: 0.05, momentum: 0.9}}\n";

Mask bits(const Shape& shape, const std::vector<float>& values) {
  return Mask::from(Tensor::from(shape, values));
}

/// Three epochs of a layer `2×3` and of one that is never masked.
std::vector<MaskChanges> three_epochs() {
  return {{.layers = {{"a", {2, 3}}, {"b", {1, 1}}},
           .flipped = {{"a", bits({2, 3}, {1, 1, 0, 0, 0, 0})}}},
          {.flipped = {{"a", bits({2, 3}, {1, 0, 0, 0, 0, 1})}}},  // the first comes back
          {.cuts = {{"a", 1, {0, 2}}},                             // the middle column goes
           .flipped = {{"a", bits({2, 2}, {1, 0, 0, 0})}}}};       // the first is masked again
}

std::string file_of(const std::vector<MaskChanges>& epochs) {
  std::string file;
  for (const MaskChanges& epoch : epochs) file += experiment::to_record(epoch);
  return file;
}

std::string content(const std::string& path) {
  const testing::Bytes bytes = testing::content_of(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("mask history: when each weight died, which came back, and what was removed") {
  const std::vector<WeightHistory> layers = experiment::weight_histories(three_epochs());
  REQUIRE(layers.size() == 2);
  const WeightHistory& a = layers[0];
  CHECK(a.layer == "a");
  CHECK(a.shape == Shape{2, 3});
  // Of the middle column the first was masked in epoch 0, the second went with the column.
  CHECK(a.died == std::vector<uint16_t>{3, 1, 0, 0, 3, 2});
  CHECK(a.came_back == 0);
  REQUIRE(a.removals.size() == 1);
  CHECK(a.removals[0].epoch == 2);
  CHECK(a.removals[0].axis == 1);
  CHECK(a.removals[0].before == 3);
  CHECK(a.removals[0].after == 2);
  CHECK(layers[1].died == std::vector<uint16_t>{0});

  std::vector<MaskChanges> two = three_epochs();
  two.pop_back();
  const std::vector<WeightHistory> earlier = experiment::weight_histories(two);
  CHECK(earlier[0].died == std::vector<uint16_t>{0, 1, 0, 0, 0, 2});
  CHECK(earlier[0].came_back == 1);
}

TEST_CASE("mask history: records are read back, whole ones only") {
  const std::string file = file_of(three_epochs());
  const std::vector<MaskChanges> read = experiment::read_records(file);
  REQUIRE(read.size() == 3);
  CHECK(file_of(read) == file);
  CHECK(read[2].cuts[0].kept == std::vector<int64_t>{0, 2});
  const size_t two = *experiment::length_of_records(file, 2);
  CHECK(experiment::length_of_records(file, 3) == file.size());
  CHECK_FALSE(experiment::length_of_records(file, 4));
  CHECK(experiment::length_of_records(file, 0) == 0u);
  CHECK(experiment::read_records(file.substr(0, two + 9)).size() == 2);
  std::string damaged = file;
  damaged[two - 3] ^= 1;
  CHECK_THROWS_WITH(experiment::read_records(damaged), Catch::Contains("damaged"));
  std::vector<MaskChanges> headless = three_epochs();
  headless.erase(headless.begin());
  CHECK_THROWS_WITH(experiment::weight_histories(headless), Catch::Contains("knows no layer 'a'"));
}

TEST_CASE("mask history: a training keeps it, and what it was to reach") {
  const TemporaryFolder folder;
  // 6 steps an epoch; masks at steps 2, 8 and 14 with 0, 0.6·(1 − 1/8) and 0.6 of the weights.
  const experiment::TrainConfig config = small_config(
      std::string(momentum) +
      "compress: {AGPruner: {config: [{final_sparsity: 0.6, unit: step, start_step: 2, end_step: "
      "15, frequency: 6, support_op: [fc1, fc2]}]}}\n");
  REQUIRE(train(config, folder / "run"));
  const auto metrics =
      experiment::read_metrics(folder / "run/metrics.jsonl", config.accuracy_key());
  REQUIRE(metrics.size() == 3);
  const double fc1 = 784 * 300, fc2 = 300 * 100, all = fc1 + fc2 + 100 * 10;
  CHECK(metrics[0].target_sparsity == 0.0);
  CHECK(*metrics[1].target_sparsity == Approx(0.525 * (fc1 + fc2) / all));
  CHECK(*metrics[2].target_sparsity == Approx(0.6 * (fc1 + fc2) / all));
  CHECK(metrics[2].sparsity == Approx(*metrics[2].target_sparsity).margin(1e-4));

  const auto layers =
      experiment::weight_histories(experiment::read_records(content(folder / "run/mask_history")));
  REQUIRE(layers.size() == 3);
  const experiment::RecordedRun run = experiment::read_run(folder / "run");
  const auto parameters = run.model.parameters();
  for (const size_t layer : {0, 2}) {  // fc1 and, past the bias, fc2
    const WeightHistory& history = layers[layer / 2];
    const Tensor weight = parameters[layer].parameter->effective_value();
    REQUIRE(history.shape == weight.shape());
    int64_t wrong = 0, first = 0;
    for (int64_t i = 0; i < weight.size(); ++i) {
      const uint16_t died = history.died[static_cast<size_t>(i)];
      wrong += (died == WeightHistory::alive) != (weight[i] != 0);
      first += died == 2;
      CHECK_FALSE(died == 1);
    }
    CHECK(wrong == 0);
    CHECK(first == std::llround(0.525 * static_cast<double>(weight.size())));
    CHECK(history.came_back == 0);
  }
  CHECK(std::count(layers[2].died.begin(), layers[2].died.end(), 0) == 1000);

  REQUIRE(train(small_config(momentum), folder / "dense"));
  CHECK_FALSE(fs::exists(folder / "dense/mask_history"));
  CHECK_FALSE(
      experiment::last_metrics(folder / "dense/metrics.jsonl", "test_accuracy")->target_sparsity);
}

TEST_CASE("mask history: weights that come back") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config =
      small_config(std::string("optimizer: {SGD: {lr: 0.5}}\n") +
                   "compress: {LevelPruner: {config: [{sparsity: 0.8, frequency: 2}]}}\n");
  REQUIRE(train(config, folder / "run"));
  const auto epochs = experiment::read_records(content(folder / "run/mask_history"));
  const auto layers = experiment::weight_histories(epochs);
  int64_t came_back = 0;
  for (const WeightHistory& layer : layers) came_back += layer.came_back;
  CHECK(came_back > 0);
  // Counted by hand: masked after one of the first epochs, and there at the end.
  int64_t expected = 0;
  for (const auto& [name, shape] : epochs[0].layers) {
    std::vector<int> masked(static_cast<size_t>(shape.elements())), ever = masked;
    for (const MaskChanges& epoch : epochs) {
      for (const auto& [layer, flips] : epoch.flipped) {
        if (layer != name) continue;
        for (int64_t i = 0; i < flips.size(); ++i) masked[static_cast<size_t>(i)] ^= flips[i];
      }
      for (size_t i = 0; i < masked.size(); ++i) ever[i] |= masked[i];
    }
    for (size_t i = 0; i < masked.size(); ++i) expected += ever[i] && !masked[i];
  }
  CHECK(came_back == expected);
}

TEST_CASE("mask history: a run without its beginning goes on without it") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(
      std::string(momentum) + "compress: {LevelPruner: {config: [{sparsity: 0.5}]}}\n");
  const std::string run = folder / "run";
  CHECK_FALSE(train(config, run, 8));
  const testing::Bytes one_epoch = testing::content_of(run + "/mask_history");
  fs::remove(run + "/mask_history");
  CHECK_FALSE(train(config, run, 2));
  CHECK(train(config, run));
  CHECK_FALSE(fs::exists(run + "/mask_history"));

  CHECK_FALSE(train(config, folder / "damaged", 8));
  testing::Bytes damaged = one_epoch;
  damaged[damaged.size() / 2] ^= 1;
  testing::write_plain(folder / "damaged/mask_history", damaged);
  CHECK_THROWS_WITH(train(config, folder / "damaged"), Catch::Contains("a record is damaged") &&
                                                           Catch::Contains("to go on without it"));
}

TEST_CASE("mask history: channels that are removed keep their places") {
  const TemporaryFolder folder;
  const experiment::TrainConfig config = small_config(
      std::string(momentum) +
          "compress: {L1FilterPruner: {config: [{sparsity: 0.5, multiple: 2, start_epoch: 1}]}}\n"
          "shrink: {every: 1}\n",
      "{input: [8, 8, 1], layers: [Conv2d: {name: conv, out: 4, kernel: 3, bias: false}, "
      "BatchNorm2d, ReLU, Flatten, Linear: {name: fc, out: 10}]}");
  REQUIRE(train(config, folder / "run"));
  const auto layers =
      experiment::weight_histories(experiment::read_records(content(folder / "run/mask_history")));
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].shape == Shape{4, 3, 3, 1});
  CHECK(layers[1].shape == Shape{10, 4 * 36});
  // Two of four filters, and what the linear layer reads of them.
  CHECK(std::count(layers[0].died.begin(), layers[0].died.end(), 2) == 2 * 9);
  CHECK(std::count(layers[1].died.begin(), layers[1].died.end(), 2) == 10 * 2 * 36);
  REQUIRE(layers[1].removals.size() == 1);
  CHECK(layers[1].removals[0].axis == 1);
  CHECK(layers[1].removals[0].before == 144);
  CHECK(layers[1].removals[0].after == 72);
}
