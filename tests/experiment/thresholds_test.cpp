#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/core/engine.h"
#include "espalier/compress/sparsity.h"
#include "espalier/datasets/subset.h"
#include "espalier/datasets/synthetic.h"
#include "espalier/experiment/choice_pictures.h"
#include "espalier/experiment/threshold_finder.h"
#include "espalier/nn/init.h"
#include "espalier/nn/models.h"

using namespace espalier;
using namespace espalier::experiment;

namespace {

datasets::DatasetPtr pictures(int64_t samples, datasets::Split split) {
  return datasets::synthetic({.samples = samples, .shape = {28, 28, 1}, .split = split});
}

class Listener : public SearchListener {
 public:
  void on_search_point(const compress::SensitivityProgress&) override { ++points; }
  void on_thresholds_found(const ThresholdsFound& thresholds) override {
    found.push_back(thresholds);
  }
  int points = 0;
  std::vector<ThresholdsFound> found;
};

bool same_pictures(const datasets::DatasetPtr& a, const datasets::DatasetPtr& b) {
  if (a->size() != b->size()) return false;
  std::vector<float> left(784), right(784);
  for (const int64_t i : {int64_t{0}, a->size() - 1}) {
    a->read(i, left.data());
    b->read(i, right.data());
    if (left != right) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("pictures to choose with: held out, or a part of the training's; never the test's") {
  const datasets::DatasetPtr train = pictures(900, datasets::Split::train);
  const datasets::DatasetPtr test = pictures(500, datasets::Split::test);
  TrainConfig config;
  const ChoicePictures part = choice_pictures(config, {train, test});
  CHECK_FALSE(part.held_out);
  CHECK(same_pictures(part.pictures, datasets::last_samples(train, 90)));
  CHECK(same_pictures(choice_pictures(config, {train, test}, 300).pictures,
                      datasets::last_samples(train, 300)));
  const datasets::DatasetPtr large = pictures(70'000, datasets::Split::train);
  CHECK(choice_pictures(config, {large, test}).pictures->size() == 5000);
  CHECK(choice_pictures(config, {pictures(4, datasets::Split::train), test}).pictures->size() == 1);

  config.data.hold_out = 500;
  const ChoicePictures held = choice_pictures(config, {train, test});
  CHECK(held.held_out);
  CHECK(held.pictures == test);  // stands for what the configuration holds out
  CHECK(choice_pictures(config, {train, test}, 20).pictures->size() == 20);
}

TEST_CASE("thresholds are found for each rule that has a goal, in its granularity") {
  std::vector<std::string> warnings;
  Engine engine({.on_warning = [&](const std::string& text) { warnings.push_back(text); }});
  EngineScope scope(engine);
  nn::Sequential net = nn::named_model("lenet300").make();
  nn::initialise(net, 1);
  compress::SensitivityPruner pruner(
      {{{"sparsity", 0.5}, {"start_epoch", 1}, {"support_op", "fc1"}, {"granularity", "filter"}},
       {{"sensitivity", 0.7}, {"start_epoch", 1}, {"support_op", "fc2"}},
       {{"sparsity", 0.25}, {"start_epoch", 1}, {"support_op", "fc3"}}});
  pruner(net);
  const ChoicePictures choice{pictures(60, datasets::Split::train), true};
  Listener listener;
  pruner.set_search([&](const compress::SensitivityPruner& asking) {
    return find_thresholds(net, asking, choice, listener);
  });
  pruner.update_epoch(0);
  CHECK(listener.found.empty());
  pruner.update_epoch(1);
  REQUIRE(listener.found.size() == 2);
  CHECK(listener.points == 2 * 14);
  CHECK(listener.found[0].rule == "SensitivityPruner rule 1");
  CHECK(listener.found[0].goal == 0.5);
  CHECK(listener.found[0].layers == std::vector<std::string>{"fc1"});
  CHECK(listener.found[1].rule == "SensitivityPruner rule 3");
  CHECK(listener.found[1].goal == 0.25);
  // A network with start values guesses, and that is said.
  REQUIRE(warnings.size() == 2);
  CHECK_THAT(warnings[0], Catch::Contains("SensitivityPruner rule 1] thresholds were found while "
                                          "the network still guessed"));

  net.train();
  net(Tensor::zeros({1, 28, 28, 1}));
  const std::vector<compress::LayerSparsity> reached = compress::layer_sparsities(net);
  // Filters of fc1 are rows of 784 weights.
  CHECK(reached[0].nonzero % 784 == 0);
  CHECK(reached[0].sparsity() == 0.5);
  CHECK(reached[0].sparsity() == listener.found[0].found.sparsity[0]);
  CHECK(pruner.sensitivity(pruner.layers()[1]) == 0.7);
  CHECK(reached[2].sparsity() == 0.25);
  CHECK(listener.found[1].found.accuracy >= 0);
}
