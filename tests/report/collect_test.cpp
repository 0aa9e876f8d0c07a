// What is collected of runs that take a moment.
#include "espalier/report/collect.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <numeric>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/export/export_model.h"
#include "espalier/experiment/exported_network.h"
#include "espalier/experiment/recorded_run.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;
using Catch::Contains;
using report::CollectOptions;
using report::Histogram;
using report::Layer;
using report::MaskPictures;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

constexpr const char* network =
    "{input: [8, 8, 1], layers: [Conv2d: {name: conv, out: 4, kernel: 3}, ReLU, Flatten, "
    "Linear: {name: fc, out: 10}]}";
constexpr const char* sgd = "optimizer: {SGD: {lr: 0.05, momentum: 0.9}}\n";
constexpr const char* pruned_and_quantized =
    "compress: {AGPruner: {config: [{final_sparsity: 0.5, end_epoch: 2}]}, "
    "QATQuantizer: {config: [{q_bits: 8, quant_start_step: 6}]}}\n";

const CollectOptions quick{.latency_seconds = 0};

int64_t counted(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), histogram.zeros);
}

int64_t pixels(const report::Picture& picture, uint8_t value) {
  return std::count(picture.pixels.begin(), picture.pixels.end(), value);
}

void train_with_dense(const std::string& path, const std::string& lines) {
  const experiment::TrainConfig config = small_config(sgd + lines, network);
  experiment::RunFolder folder = experiment::RunFolder::create(path, "", config, true);
  experiment::Experiment experiment(config);
  experiment::Observer observer;
  REQUIRE(experiment::run(experiment, open_data(config), folder, observer));
}

bool lacks(const report::Run& run, const std::string& words) {
  return std::any_of(run.missing.begin(), run.missing.end(), [&](const std::string& sentence) {
    return sentence.find(words) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("report: a run with a dense part beside it, all there is to tell") {
  const TemporaryFolder folder;
  const std::string path = folder / "small";
  train_with_dense(path, pruned_and_quantized);
  std::vector<std::string> progress;
  const report::Run run = report::collect_run(
      path, {.latency_seconds = 0.02,
             .on_progress = [&](const std::string& line) { progress.push_back(line); }});
  CAPTURE(run.missing);
  CHECK(run.missing.empty());
  CHECK_FALSE(progress.empty());
  CHECK(run.name == "small");
  CHECK(run.data == "synthetic");
  CHECK(run.algorithms == "AGPruner, QATQuantizer");
  CHECK(run.accuracy_of == "test pictures");
  CHECK(run.finished);
  CHECK(run.config.find("AGPruner") != std::string::npos);
  CHECK(run.machine.find(" kernels") != std::string::npos);
  CHECK(run.version.find("espalier ") == 0);
  CHECK(run.commands == std::vector<std::string>{"espalier train " + path + "/config.yaml --out " +
                                                 path + "-again --with-dense"});

  REQUIRE(run.epochs.size() == 3);
  CHECK(run.dense_epochs.size() == 3);
  CHECK(run.epochs[0].target_sparsity == 0.0);
  CHECK(run.epochs[2].target_sparsity == 0.5);
  REQUIRE(run.events.size() == 4);
  CHECK(run.events[0].text == "AGPruner: start");
  CHECK(run.events[0].kind == "mask");
  CHECK(run.events[1].text == "QATQuantizer: start");
  CHECK(run.events[1].kind == "quantize");
  CHECK(run.events[2].epoch == 1);  // both: AGP is through in epoch 1, and 6 steps are an epoch
  CHECK(run.events[3].epoch == 1);

  REQUIRE(run.dense);
  CHECK(run.dense_from == path + "/dense");
  // conv: 6·6·4 values of 9 products; fc: 10 of 144.
  CHECK(run.compressed.macs == 1296 + 1440);
  CHECK(run.dense->macs == 1296 + 1440);
  CHECK(run.dense->nonzero_macs == 1296 + 1440);
  CHECK(run.compressed.weights == 36 + 1440);
  CHECK(run.dense->bits == 32);
  CHECK(run.compressed.bits == 8);
  CHECK(run.compressed.accuracy == run.epochs.back().metrics.accuracy);
  CHECK(run.dense->accuracy == run.dense_epochs.back().metrics.accuracy);
  CHECK(run.compressed.file_bytes < run.dense->file_bytes);
  CHECK(*run.compressed.latency_us > 0);
  CHECK(*run.dense->latency_us > 0);
  experiment::RecordedRun recorded = experiment::read_run(path);
  CHECK(run.compressed.file_bytes ==
        static_cast<int64_t>(
            compress::exported_bytes(experiment::exported_network(recorded)).size()));

  REQUIRE(run.layers.size() == 2);
  int64_t nonzero = 0, nonzero_macs = 0;
  for (const Layer& layer : run.layers) {
    CAPTURE(layer.name);
    nonzero += layer.nonzero;
    nonzero_macs += layer.macs / layer.weights * layer.nonzero;
    CHECK(layer.bits == 8);
    CHECK(layer.sparsity.size() == 3);
    CHECK(layer.sparsity.back() ==
          Approx(1 - static_cast<double>(layer.nonzero) / static_cast<double>(layer.weights)));
    CHECK(layer.bytes > 0);
    CHECK(*layer.time_us > 0);
    REQUIRE(layer.before);
    REQUIRE(layer.after);
    CHECK(counted(*layer.before) == layer.weights);
    CHECK(counted(*layer.after) == layer.weights);
    CHECK(layer.before->low == layer.after->low);
    CHECK(layer.before->high == layer.after->high);
    CHECK(layer.after->zeros == layer.weights - layer.nonzero);
    CHECK(layer.grid.size() <= 256);
    CHECK(layer.grid.size() > 2);
    REQUIRE(layer.threshold);
    CHECK(*layer.threshold > 0);
    REQUIRE(layer.mask);
    CHECK(pixels(layer.mask->mask, MaskPictures::masked) == layer.weights / 2);
    CHECK(pixels(layer.mask->mask, MaskPictures::kept) == layer.weights / 2);
    REQUIRE(layer.mask->died);
    CHECK(pixels(*layer.mask->died, 0) == 0);                  // no mask in the first epoch
    CHECK(pixels(*layer.mask->died, 1) == layer.weights / 2);  // all in the second
    CHECK(layer.mask->came_back == 0);
  }
  CHECK(run.compressed.nonzero == nonzero);
  CHECK(run.compressed.nonzero_macs == nonzero_macs);
  CHECK(run.layers[0].name == "conv");
  CHECK(run.layers[0].shape == std::vector<int64_t>{4, 3, 3, 1});
  CHECK(run.layers[0].mask->mask.width == 7);  // four tiles, two in a row

  REQUIRE(run.activations.size() == 3);
  CHECK(run.activations[0].layer == "input");
  CHECK(counted(run.activations[1].values) == 256 * 144);
  CHECK(run.activations[1].bits == 8);

  REQUIRE(run.confusion);
  int64_t all = 0, right = 0;
  for (size_t truth = 0; truth < 10; ++truth) {
    all += std::accumulate(run.confusion->counts[truth].begin(), run.confusion->counts[truth].end(),
                           int64_t{0});
    right += run.confusion->counts[truth][truth];
  }
  const auto pictures = static_cast<double>(all);
  CHECK(static_cast<double>(right) / pictures == Approx(*run.compressed.accuracy));
  CHECK(static_cast<double>(run.lost_in_all - run.won_in_all) / pictures ==
        Approx(*run.dense->accuracy - *run.compressed.accuracy).margin(1e-9));
  CHECK(run.lost.size() == static_cast<size_t>(std::min<int64_t>(24, run.lost_in_all)));
  for (const report::Lost& lost : run.lost) {
    CHECK(lost.truth == lost.dense);
    CHECK(lost.truth != lost.compressed);
    CHECK(lost.picture.pixels.size() == 64);
  }

  const report::Report two = report::collect({path, path + "/dense"}, quick);
  REQUIRE(two.runs.size() == 2);
  CHECK(two.runs[0].compressed.file_bytes == run.compressed.file_bytes);
  CHECK(two.runs[1].algorithms == "no compression");
  CHECK_FALSE(two.runs[1].dense);
  CHECK(two.runs[1].missing.empty());
  CHECK_FALSE(two.runs[1].layers[0].mask);
}

TEST_CASE("report: what is not to be had is said, and nothing fails") {
  const TemporaryFolder folder;
  const std::string path = folder / "run";
  CHECK_THROWS_WITH(report::collect_run(path), Contains("holds no run"));
  const experiment::TrainConfig config = small_config(
      std::string(sgd) + "compress: {LevelPruner: {config: [{sparsity: 0.5}]}}\n", network);

  CHECK_FALSE(train(config, path, 3));  // within the first epoch
  const report::Run begun = report::collect_run(path, quick);
  CHECK_FALSE(begun.finished);
  CHECK(lacks(begun, "No epoch of the run is finished"));
  CHECK(begun.layers.empty());

  CHECK_FALSE(train(config, path, 5));
  const report::Run half = report::collect_run(path, quick);
  CHECK_FALSE(half.finished);
  CHECK(lacks(half, "1 of its 3 epochs are done"));
  CHECK(lacks(half, "no network without compression"));
  CHECK(half.layers.size() == 2);
  CHECK(half.confusion);
  CHECK_FALSE(half.compressed.latency_us);

  CHECK(train(config, path));
  const report::Run whole = report::collect_run(path, quick);
  CHECK(whole.finished);
  REQUIRE(whole.layers[1].mask);
  CHECK(whole.layers[1].mask->died);

  // A run of an older version: the masks are in the checkpoint all the same.
  fs::remove(path + "/mask_history");
  const report::Run older = report::collect_run(path, quick);
  CHECK(lacks(older, "When each weight was masked is not known"));
  REQUIRE(older.layers[1].mask);
  CHECK_FALSE(older.layers[1].mask->died);
  CHECK(older.layers[1].mask->mask.pixels == whole.layers[1].mask->mask.pixels);
  fs::remove(path + "/checkpoint");
  const report::Run bare = report::collect_run(path, quick);
  CHECK(lacks(bare, "on which machine"));
  CHECK(bare.layers[1].mask->legend.find("every weight that is 0") != std::string::npos);

  // Its pictures are somewhere else.
  std::string text = bare.config;
  text.replace(text.find("synthetic"), 9, "mnist");
  std::ofstream(path + "/config.yaml") << text;
  CollectOptions nowhere = quick;
  nowhere.data_dir = folder / "nowhere";
  const report::Run blind = report::collect_run(path, nowhere);
  CHECK(lacks(blind, "The pictures are not to be had"));
  CHECK_FALSE(blind.confusion);
  CHECK(blind.layers.size() == 2);
}

TEST_CASE("report: a run that began with another is compared with that") {
  const TemporaryFolder folder;
  REQUIRE(train(small_config(sgd, network), folder / "first"));
  const std::string from = "start_from: '" + (folder / "first") + "'\n";
  const std::string pruned = "compress: {LevelPruner: {config: [{sparsity: 0.5}]}}\n";
  REQUIRE(train(small_config(sgd + from + pruned, network), folder / "second"));
  const report::Run second = report::collect_run(folder / "second", quick);
  REQUIRE(second.dense);
  CHECK(second.dense_from == folder / "first");
  CHECK(second.dense_epochs.empty());
  CHECK(second.commands.size() == 2);

  // The one after that, with the one without compression.
  const std::string again = "start_from: '" + (folder / "second") + "'\n";
  REQUIRE(train(small_config(sgd + again + pruned, network), folder / "third"));
  CHECK(report::collect_run(folder / "third", quick).dense_from == folder / "first");

  // Or with a file of weights.
  const std::string file = folder / "first/model.safetensors";
  REQUIRE(train(small_config(sgd + ("start_from: '" + file + "'\n") + pruned, network),
                folder / "fourth"));
  const report::Run fourth = report::collect_run(folder / "fourth", quick);
  CHECK(fourth.dense_from == file);
  CHECK(fourth.dense->accuracy.has_value());

  fs::remove_all(folder / "first");
  const report::Run orphan = report::collect_run(folder / "second", quick);
  CHECK_FALSE(orphan.dense);
  CHECK(lacks(orphan, "is not there any more"));
}

TEST_CASE("report: a run that was made of another without training") {
  const TemporaryFolder folder;
  REQUIRE(train(small_config(sgd, network), folder / "first"));
  const experiment::TrainConfig config = small_config(
      std::string(sgd) + "compress: {LevelPruner: {config: [{sparsity: 0.5}]}}\n", network);
  {
    experiment::RunFolder made = experiment::RunFolder::create(folder / "made", "", config, false);
    made.set_origin({folder / "first", "espalier quantize first --out 'made here'"});
    made.keep_weights(experiment::read_run(folder / "first").model);
  }
  CHECK(experiment::recorded_origin(folder / "made").run == folder / "first");
  CHECK(experiment::recorded_origin(folder / "first").run.empty());
  const report::Run run = report::collect_run(folder / "made", quick);
  CHECK(run.finished);
  CHECK(run.dense_from == folder / "first");
  CHECK(run.commands == std::vector<std::string>{"espalier quantize first --out 'made here'"});
  CHECK(run.epochs.empty());
  CHECK(run.compressed.accuracy.has_value());  // measured
  CHECK(run.lost_in_all == 0);

  // What is on record of the masks of a run that was trained is shown of what was made of it.
  REQUIRE(train(config, folder / "pruned"));
  {
    experiment::RunFolder made = experiment::RunFolder::create(folder / "again", "", config, false);
    made.set_origin({folder / "pruned", "espalier quantize pruned --out again"});
    made.keep_weights(experiment::read_run(folder / "pruned").model);
  }
  const report::Run again = report::collect_run(folder / "again", quick);
  REQUIRE(again.layers[1].mask);
  REQUIRE(again.layers[1].mask->died);
  CHECK(again.layers[1].mask->died->pixels ==
        report::collect_run(folder / "pruned", quick).layers[1].mask->died->pixels);
}

TEST_CASE("report: what cannot be exported, and what was removed") {
  const TemporaryFolder folder;
  REQUIRE(train(
      small_config(std::string(sgd) + "compress: {DoReFaQuantizer: {config: [{weight_bits: 1, "
                                      "activation_bits: 2, support_op: [fc]}]}}\n",
                   network),
      folder / "dorefa"));
  const report::Run dorefa = report::collect_run(folder / "dorefa", quick);
  CHECK(dorefa.missing.size() == 1);  // no network without compression
  CHECK(dorefa.layers[0].bits == 32);
  CHECK(dorefa.layers[1].bits == 1);
  CHECK(dorefa.layers[1].grid.size() == 2);
  REQUIRE(dorefa.activations.size() == 1);
  CHECK(dorefa.activations[0].bits == 2);

  REQUIRE(
      train(small_config(std::string(sgd) + "compress: {QATQuantizer: {config: [{q_bits: 12}]}}\n",
                         network),
            folder / "wide"));
  const report::Run wide = report::collect_run(folder / "wide");
  CHECK(lacks(wide, "cannot be exported"));
  CHECK(wide.compressed.file_bytes == 4 * (36 + 4 + 1440 + 10));
  CHECK_FALSE(wide.compressed.latency_us);
  CHECK(wide.layers[0].bits == 12);
  CHECK(wide.activations.size() == 3);

  const experiment::TrainConfig shrunk = small_config(
      std::string(sgd) +
          "compress: {L1FilterPruner: {config: [{sparsity: 0.5, multiple: 2, start_epoch: 1}]}}\n"
          "shrink: {every: 1}\n",
      network);
  REQUIRE(train(shrunk, folder / "shrunk"));
  const report::Run run = report::collect_run(folder / "shrunk", quick);
  const Layer& conv = run.layers[0];
  CHECK(conv.shape == std::vector<int64_t>{2, 3, 3, 1});
  REQUIRE(conv.mask);
  CHECK(pixels(conv.mask->mask, MaskPictures::kept) == 2 * 9);
  CHECK(pixels(conv.mask->mask, MaskPictures::masked) == 2 * 9);  // they still have their places
  CHECK(pixels(*conv.mask->died, 1) == 2 * 9);
  REQUIRE(run.layers[1].mask);
  CHECK(pixels(run.layers[1].mask->mask, MaskPictures::masked) == 10 * 2 * 36);
  const auto removed = std::find_if(run.events.begin(), run.events.end(),
                                    [](const auto& event) { return event.kind == "remove"; });
  REQUIRE(removed != run.events.end());
  CHECK(removed->text == "2 of 4 channels removed from conv");
  CHECK(removed->epoch == 2);
}
