// Trainings that learn from another run, and those that begin with its weights.
#include "espalier/experiment/teacher.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/experiment/timeline.h"
#include "espalier/nn/io/weights.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;
using Catch::Contains;
using experiment::Experiment;
using experiment::TrainConfig;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

const std::string sgd = "optimizer: {SGD: {lr: 0.05, momentum: 0.9}}\n";

/// A run of a network that is none of the students'.
void train_teacher(const std::string& path, const std::string& settings = "seed: 3\n") {
  REQUIRE(
      train(small_config(sgd + settings,
                         "{input: [28, 28, 1], layers: [Flatten, Linear: {name: fc, out: 10}]}"),
            path));
}

/// With the folder as the teacher's run.
std::string taught_by(const std::string& run, const std::string& more = "") {
  return sgd + "teacher: {run: '" + run + "'" + more + "}\n";
}

TrainConfig read_in(const TemporaryFolder& folder, const std::string& file,
                    const std::string& lines) {
  fs::create_directories(fs::path(folder / file).parent_path());
  std::ofstream(folder / file) << "model: lenet300\ndata: {name: synthetic, limit: 110}\n"
                                  "epochs: 1\n"
                               << sgd << lines;
  return experiment::read_train_config(folder / file);
}

}  // namespace

TEST_CASE("a teacher is read in short or with options, relative to the file that says so") {
  const TemporaryFolder folder;
  const TrainConfig brief = read_in(folder, "configs/a.yaml", "teacher: ../runs/dense\n");
  REQUIRE(brief.teacher);
  CHECK(brief.teacher->run == folder / "runs/dense");
  CHECK(brief.teacher->options.temperature == 1);
  CHECK(brief.teacher->options.weight == 0.5);
  CHECK_FALSE(brief.teacher->options.end);

  const TrainConfig steps =
      read_in(folder, "b.yaml",
              "teacher: {run: dense, temperature: 4, weight: 0.7, unit: step, start_step: 5, "
              "end_step: 90}\n");
  CHECK(steps.teacher->run == folder / "dense");
  CHECK(steps.teacher->options.unit == nn::TimeUnit::step);
  CHECK(steps.teacher->options.start == 5);
  CHECK(steps.teacher->options.end == 90);
  for (const TrainConfig& config : {brief, steps}) {
    const std::string written = compress::to_yaml(config.to_value());
    const auto again = TrainConfig::from(compress::parse_yaml(written, "elsewhere/written.yaml"));
    CHECK(compress::to_yaml(again.to_value()) == written);
  }

  const auto fails = [&](const std::string& options, const std::string& why) {
    CHECK_THROWS_WITH(read_in(folder, "bad.yaml", "teacher: " + options + "\n"),
                      Contains("bad.yaml:5:") && Contains(why));
  };
  fails("{temperature: 2}", "missing key 'run'");
  fails("{run: x, temperature: 0}", "temperature must be a number above 0, not 0");
  fails("{run: x, weight: 1.5}", "weight must be a number in [0, 1], not 1.5");
  fails("{run: x, wieght: 1}", "unknown key 'wieght' in teacher; did you mean 'weight'?");
  fails("{run: x, start_epoch: 3, end_epoch: 3}", "end_epoch must be after start_epoch");
  fails("{run: x, unit: step, end_epoch: 3}", "unknown key 'end_epoch'");
  fails("{run: x, unit: steps}", "did you mean 'step'?");
  fails("[x]", "teacher must be a map");
}

TEST_CASE("a student learns from a run, and a taught training goes on exactly") {
  const TemporaryFolder folder;
  train_teacher(folder / "teacher");
  const testing::Bytes weights = testing::content_of(folder / "teacher/model.safetensors");
  const std::string agp =
      "compress: {AGPruner: {config: [{final_sparsity: 0.8, start_epoch: 1, end_epoch: 3}]}}\n";
  const TrainConfig config = small_config(
      taught_by(folder / "teacher", ", temperature: 2, unit: step, start_step: 3, end_step: 15") +
      agp);
  REQUIRE(train(config, folder / "whole"));
  REQUIRE(train(small_config(sgd + agp), folder / "alone"));
  const Result whole = result_of(folder / "whole");
  CHECK(whole.weights != result_of(folder / "alone").weights);
  CHECK((testing::content_of(folder / "teacher/model.safetensors") == weights));
  for (const int steps : {1, 3, 6, 8, 15, 17}) {
    CAPTURE(steps);
    const std::string run = folder / std::to_string(steps);
    CHECK_FALSE(train(config, run, steps));
    CHECK(train(config, run));
    CHECK((result_of(run) == whole));
  }

  // Without weight a teacher changes nothing.
  REQUIRE(train(small_config(taught_by(folder / "teacher", ", weight: 0") + agp),
                folder / "weightless"));
  CHECK((result_of(folder / "weightless") == result_of(folder / "alone")));
}

TEST_CASE("a training does not go on with another teacher than it began with") {
  const TemporaryFolder folder;
  train_teacher(folder / "teacher");
  const TrainConfig config = small_config(taught_by(folder / "teacher"));
  CHECK_FALSE(train(config, folder / "run", 8));
  fs::rename(folder / "teacher", folder / "first");
  CHECK_THROWS_WITH(train(config, folder / "run"), Contains("is no run"));
  train_teacher(folder / "teacher", "seed: 4\n");
  CHECK_THROWS_WITH(train(config, folder / "run"),
                    Contains(folder / "teacher") && Contains("its weights have changed"));
  fs::remove_all(folder / "teacher");
  fs::rename(folder / "first", folder / "teacher");
  CHECK(train(config, folder / "run"));
}

TEST_CASE("a teacher that does not fit is refused, and named with its student") {
  const TemporaryFolder folder;
  train_teacher(folder / "teacher");
  const auto fails = [&](const std::string& model, const std::string& why) {
    const TrainConfig config =
        small_config("teacher: '" + (folder / "teacher") + "'\n" + sgd, model);
    CHECK_THROWS_WITH(Experiment(config), Contains("small.yaml:7:") && Contains(why));
    CHECK_THROWS_AS(Experiment(config), compress::ConfigError);
  };
  fails("{name: wide, input: [32, 28, 1], layers: [Flatten, Linear: {out: 10}]}",
        "is a network for pictures of 28×28×1, but its student wide takes 32×28×1");
  fails("{name: many, input: [28, 28, 1], layers: [Flatten, Linear: {out: 12}]}",
        "is a network that tells 10 classes apart, but its student many 12");
  fs::remove(folder / "teacher/model.safetensors");
  fails("lenet300", "no epoch of it is finished");
  fs::remove(folder / "teacher/config.yaml");
  fails("lenet300", "is no run: there is no config.yaml in it");
}

TEST_CASE("a training starts from the weights of a run or of a file, and goes on without them") {
  const TemporaryFolder folder;
  const std::string model =
      "{input: [8, 8, 1], layers: [Conv2d: {name: conv, out: 4, kernel: 3}, BatchNorm2d: {name: "
      "bn}, "
      "ReLU, Flatten, Linear: {name: fc, out: 10}]}";
  REQUIRE(train(small_config(sgd + "seed: 3\n", model), folder / "dense"));
  const std::string start = "start_from: '" + (folder / "dense") + "'\n";
  const TrainConfig config = small_config(
      sgd + start + "compress: {LevelPruner: {config: [{sparsity: 0.5, frequency: once}]}}\n",
      model);

  // The very weights and buffers, and masks of these weights.
  nn::Sequential dense = config.model.make();
  nn::load_weights(dense, folder / "dense/model.safetensors");
  Experiment copy(small_config(sgd + start, model));
  nn::save_weights(copy.model(), folder / "copy.safetensors");
  CHECK((testing::content_of(folder / "copy.safetensors") ==
         testing::content_of(folder / "dense/model.safetensors")));
  Experiment pruned(config);
  const Tensor before = dense.parameters()[0].parameter->effective_value();
  const Tensor after = pruned.model().parameters()[0].parameter->effective_value();
  int64_t kept = 0;
  for (int64_t i = 0; i < before.size(); ++i) {
    if (after[i] == 0.0f) continue;
    CHECK(after[i] == before[i]);
    ++kept;
  }
  CHECK(kept == before.size() / 2);

  REQUIRE(train(config, folder / "whole"));
  REQUIRE(train(small_config(sgd + "start_from: '" + (folder / "dense/model.safetensors") +
                                 "'\ncompress: {LevelPruner: {config: [{sparsity: 0.5, frequency: "
                                 "once}]}}\n",
                             model),
                folder / "of_file"));
  CHECK((result_of(folder / "of_file") == result_of(folder / "whole")));
  CHECK_FALSE(train(config, folder / "run", 7));
  fs::remove_all(folder / "dense");
  CHECK(train(config, folder / "run"));
  CHECK((result_of(folder / "run") == result_of(folder / "whole")));
  CHECK_THROWS_WITH(Experiment(config),
                    Contains("small.yaml:8:13") && Contains("there is no run or file"));
}

TEST_CASE("weights of another network are refused with the first layer that differs") {
  const TemporaryFolder folder;
  train_teacher(folder / "one");
  const auto fails = [&](const std::string& layers, const std::string& why) {
    const TrainConfig config =
        small_config("start_from: '" + (folder / "one") + "'\n" + sgd,
                     "{name: other, input: [28, 28, 1], layers: [Flatten, " + layers + "]}");
    CHECK_THROWS_WITH(
        Experiment(config),
        Contains("small.yaml:7:13: model other cannot start from these weights") && Contains(why));
  };
  fails("Linear: {name: fc1, out: 10}", "no tensor 'fc1.weight'");
  fails("Linear: {name: fc, out: 11}",
        "another shape for 'fc.weight': 10×784, the model's is 11×784");
  fails("Linear: {name: fc, out: 10, bias: false}", "'fc.bias' that the model has no place for");
  fs::resize_file(folder / "one/model.safetensors", 300);
  const TrainConfig config = small_config("start_from: '" + (folder / "one") + "'\n" + sgd);
  CHECK_THROWS_WITH(Experiment(config), Contains("[safetensors]"));
}

TEST_CASE("the plan of a training has learning rate, teacher and compressors on one clock") {
  const TemporaryFolder folder;
  train_teacher(folder / "teacher");
  const TrainConfig config = small_config(
      taught_by(folder / "teacher", ", start_epoch: 1, end_epoch: 2") +
      "schedule: {warmup: {steps: 2, then: {multi_step: {at: [8], unit: step}}}}\n"
      "compress:\n"
      "  AGPruner:\n"
      "    config:\n"
      "      - {final_sparsity: 0.9, start_epoch: 0, end_epoch: 2, support_op: fc1}\n"
      "      - {final_sparsity: 0.9, unit: step, start_step: 5, end_step: 40, support_op: fc2}\n");
  const Experiment experiment(config);
  std::string text;
  for (const experiment::TimelineEvent& event : experiment::timeline(experiment, 6)) {
    text += std::to_string(event.step) + " ";
    text += event.learning_rate ? std::to_string(*event.learning_rate).substr(0, 5) : "-";
    text += " " + event.what + "\n";
  }
  // The second rule's updates are at steps 5 … 39.
  CHECK(text ==
        "0 0.000 training begins\n"
        "0 0.000 AGPruner rule 1: start\n"
        "2 0.050 the warm-up is over\n"
        "5 0.050 AGPruner rule 2: start\n"
        "6 0.050 distillation begins\n"
        "6 0.050 AGPruner rule 1 reaches its final sparsity\n"
        "8 0.005 learning rate times 0.1\n"
        "12 0.005 distillation is over\n"
        "18 - training ends\n"
        "39 - AGPruner rule 2 reaches its final sparsity\n");
}

TEST_CASE("everything that a training ends before is told in the same words") {
  const TemporaryFolder folder;
  train_teacher(folder / "teacher");
  const TrainConfig config =
      small_config(taught_by(folder / "teacher", ", end_epoch: 5") +
                   "schedule: {multi_step: {at: [2, 9]}}\n"
                   "compress: {AGPruner: {config: [{final_sparsity: 0.9, end_epoch: 7}]}}\n");
  experiment::RunFolder run = experiment::RunFolder::create(folder / "run", "", config, false);
  Experiment experiment(config);
  experiment::Observer observer;
  const auto outcome = experiment.run(small_data(config), run, observer);
  REQUIRE(outcome);
  REQUIRE(outcome->unfinished_schedules.size() == 3);
  CHECK_THAT(outcome->unfinished_schedules[0], Contains("multi_step") && Contains("in epoch 10,"));
  CHECK_THAT(outcome->unfinished_schedules[1], Contains("distillation") && Contains("in epoch 5,"));
  CHECK_THAT(outcome->unfinished_schedules[2], Contains("AGPruner") && Contains("in epoch 7,"));
  for (const std::string& sentence : outcome->unfinished_schedules)
    CHECK_THAT(sentence, Contains("but training ends after 3 epochs: at that point"));
}
