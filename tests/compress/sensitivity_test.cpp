// Thresholds in standard deviations: Han et al., arXiv 1506.02626, section 3.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;
using Numbers = std::vector<double>;
using Strings = std::vector<std::string>;

namespace {

/// One layer with these weights.
struct OneLayer {
  explicit OneLayer(const Tensor& w) { set(w); }
  void set(const Tensor& w) { net[0].parameters()[0].parameter->load(w); }
  void forward() { net(Tensor::zeros({1, net[0].parameters()[0].parameter->shape()[1]})); }

  nn::Sequential net{nn::Linear({.in = 4, .out = 1})};
};

Tensor four(float a, float b, float c, float d) {
  return Tensor::from({1, 4}, {a, b, c, d});
}

Numbers mask_of(const Pruner& pruner, size_t layer = 0) {
  return doubles(pruner.mask(pruner.layers()[layer]).to_tensor());
}

std::string error_of(const std::string& rule) {
  nn::Sequential net = four_layers();
  SensitivityPruner pruner(Rules::from(parse_yaml("[" + rule + "]", "f"), "SensitivityPruner"));
  try {
    pruner(net);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("the threshold is a multiple of the standard deviation") {
  // σ² = (1 + 1 + 9 + 9)/4 = 5, σ = 2.236
  CHECK(standard_deviation(four(1, -1, 3, -3)) == Approx(std::sqrt(5.0)));
  CHECK(standard_deviation(four(1, 3, 1, 3)) == Approx(1));  // around the mean
  const auto masked = [](double q, const Tensor& w) {
    OneLayer layer(w);
    SensitivityPruner pruner({{{"sensitivity", q}}});
    pruner(layer.net);
    return mask_of(pruner);
  };
  CHECK(masked(0.44, four(1, -1, 3, -3)) == Numbers{1, 1, 1, 1});  // 0.984
  CHECK(masked(0.45, four(1, -1, 3, -3)) == Numbers{0, 0, 1, 1});  // 1.006
  CHECK(masked(1.34, four(1, -1, 3, -3)) == Numbers{0, 0, 1, 1});  // 2.996
  CHECK(masked(1.35, four(1, -1, 3, -3)) == Numbers{0, 0, 0, 0});  // 3.019
  CHECK(masked(1, four(1, 3, 1, 3)) == Numbers{0, 1, 0, 1});       // what lies on it goes
}

TEST_CASE("of Gaussian weights erf(q/√2) are masked, whatever their deviation") {
  for (const float scale : {0.05f, 3.0f}) {
    for (const double q : {0.25, 0.8, 1.0, 1.5}) {
      const Tensor unit = normal({200, 300}, 7);
      const Tensor w = Tensor::generate({200, 300}, [&](int64_t i) { return scale * unit[i]; });
      nn::Sequential net{nn::Linear({.in = 300, .out = 200})};
      net[0].parameters()[0].parameter->load(w);
      SensitivityPruner pruner({{{"sensitivity", q}}});
      pruner(net);
      const Mask& mask = pruner.mask(pruner.layers()[0]);
      // Four deviations of a fraction of 60,000 are 0.8 %.
      CHECK(static_cast<double>(mask.masked()) / 60'000 ==
            Approx(std::erf(q / std::sqrt(2.0))).margin(0.008));
      // Masked weights are zeros now. Nothing runs away.
      const Mask first = mask;
      for (int epoch = 0; epoch < 5; ++epoch) {
        pruner.update_epoch(epoch);
        net(Tensor::zeros({1, 300}));
      }
      CHECK(mask == first);
    }
  }
}

TEST_CASE("std: dense is kept from the first update, current is taken at each") {
  for (const bool dense : {true, false}) {
    OneLayer layer(four(1, -1, 3, -3));
    SensitivityPruner pruner({{{"sensitivity", 0.5}, {"std", dense ? "dense" : "current"}}});
    pruner(layer.net);
    CHECK(mask_of(pruner) == Numbers{0, 0, 1, 1});  // 1.118
    layer.set(four(0, 0, 1, -1));
    pruner.update_epoch(1);
    layer.forward();
    // σ of 0, 0, 1, −1 is √½, the threshold 0.354 and not 1.118.
    CHECK(mask_of(pruner) == (dense ? Numbers{0, 0, 0, 0} : Numbers{0, 0, 1, 1}));
    CHECK(*pruner.deviation(pruner.layers()[0]) == Approx(dense ? std::sqrt(5.0) : std::sqrt(0.5)));
  }
}

TEST_CASE("masks are made at the start and then in steps, below the end") {
  OneLayer layer(four(1, -1, 3, -3));
  SensitivityPruner pruner(
      {{{"sensitivity", 0.5}, {"start_epoch", 2}, {"end_epoch", 5}, {"frequency", 2}}});
  pruner(layer.net);
  std::string changes;
  for (int epoch = 0; epoch < 9; ++epoch) {
    // What is below the threshold when a mask is made stays zero; so the weights are set anew.
    layer.set(epoch < 2 ? four(1, -1, 3, -3) : four(1, 1, epoch % 2 ? 9.f : 1.f, 9));
    const Numbers before = mask_of(pruner);
    pruner.update_epoch(epoch);
    layer.forward();
    changes += mask_of(pruner) == before ? "-" : "m";
  }
  // At 2: 1, 1, 1, 9 has σ = √12, 3 · 1 + 9 → 0, 0, 0, 1. At 4 the same, and there is no update
  // at 6.
  CHECK(changes == "--m------");
  CHECK(pruner.schedule_ends(9, 1).at(0).epochs == 5);
}

TEST_CASE("an open end goes on for ever") {
  OneLayer layer(four(1, -1, 3, -3));
  SensitivityPruner pruner({{{"sensitivity", 0.5}}});
  pruner(layer.net);
  CHECK(pruner.schedule_ends(3, 1).empty());
  layer.set(four(9, 9, 9, 1));
  pruner.update_epoch(1000);
  layer.forward();
  CHECK(mask_of(pruner) == Numbers{1, 1, 1, 0});
}

TEST_CASE("a group is measured by its mean magnitude") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 3})};
  // σ² = (4·1 + 9 + 9)/6 − 0 = 3.667; q = 0.8: 1.53. Rows have 1, 2 and 2.
  net[0].parameters()[0].parameter->load(Tensor::from({3, 2}, {1, -1, 3, -1, 1, -3}));
  SensitivityPruner pruner({{{"sensitivity", 0.8}, {"granularity", "filter"}}});
  pruner(net);
  CHECK(mask_of(pruner) == Numbers{0, 0, 1, 1, 1, 1});
}

TEST_CASE("masked weights stay zero while the rest is retrained, and what is reached is told") {
  nn::Sequential net = four_layers();
  SensitivityPruner pruner({{{"sensitivity", 0.8}, {"start_epoch", 1}, {"support_op", "fc1"}}});
  pruner(net);
  CHECK(summarise_rules(pruner) == Strings{"rule 1: fc1 (|w| ≤ 0.8·σ)"});
  CHECK(pruner.findings().empty());
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3});
  const Mask& mask = pruner.mask(pruner.layers()[0]);
  int64_t masked = 0;
  for (int epoch = 0; epoch < 4; ++epoch) {
    pruner.update_epoch(epoch);
    for (uint64_t step = 0; step < 5; ++step) train_four_layers(net, sgd, step);
    CHECK(mask.masked() >= masked);
    CHECK((mask.masked() > 0) == (epoch >= 1));
    masked = mask.masked();
  }
  nn::Parameter& weight = *pruner.layers()[0].parameter;
  weight.detach(nn::WeightTransform::Stage::mask);
  const Tensor stored = weight.effective_value();
  CHECK(std::count(stored.values().begin(), stored.values().end(), 0.0f) == masked);
  // Beside what is masked stands erf(0.8/√2).
  REQUIRE(pruner.findings().size() == 1);
  const std::string percent = std::to_string(100.0 * static_cast<double>(masked) / 1280);
  CHECK_THAT(pruner.findings()[0], StartsWith("fc1: |w| ≤ 0.8·σ = 0.0") &&
                                       Contains("masks " + percent.substr(0, percent.find('.'))) &&
                                       EndsWith(" %, Gaussian weights: 57.6 %"));
}

TEST_CASE("a goal needs thresholds, which a search finds or the caller sets") {
  const Rules rules{{{"sparsity", 0.6}, {"start_epoch", 1}, {"support_type", "Linear"}},
                    {{"sensitivity", 0.5}, {"support_op", "conv1"}}};
  const auto masked = [](const SensitivityPruner& pruner, size_t layer) {
    return pruner.mask(pruner.layers()[layer]).masked();
  };
  {
    nn::Sequential net = four_layers();
    SensitivityPruner pruner(rules);
    CHECK_THROWS_WITH(pruner.set_thresholds({1}), Contains("not attached"));
    pruner(net);
    CHECK(summarise_rules(pruner)[0] == "rule 1: fc1, fc2 (thresholds found for sparsity 0.6)");
    CHECK(masked(pruner, 0) > 0);  // conv1 has its threshold
    pruner.update_epoch(0);        // nothing is due yet
    CHECK_THROWS_WITH(pruner.update_epoch(1), Contains("SensitivityPruner rule 1") &&
                                                  Contains("'sparsity: 0.6' is a goal") &&
                                                  Contains("no evaluator"));
    CHECK_THROWS_WITH(pruner.set_thresholds({1}), Contains("1 thresholds were given for 3 layers"));
    CHECK_THROWS_WITH(pruner.set_thresholds({1, -1, 1}), Contains("'fc1'"));
    CHECK_THROWS_WITH(pruner.set_thresholds({1, 1, NAN}), Contains("'fc2'"));
    pruner.set_thresholds({9, 1, 0.1});
    CHECK(*pruner.sensitivity(pruner.layers()[0]) == 0.5);  // the rule's own
    pruner.update_epoch(1);
    net(normal({1, 8, 8, 1}, 1));
    CHECK(masked(pruner, 1) > 700);
    CHECK(masked(pruner, 2) < 10);
  }
  nn::Sequential net = four_layers();
  SensitivityPruner pruner(rules);
  int searches = 0;
  pruner.set_search([&](const SensitivityPruner& asking) {
    ++searches;
    CHECK(*asking.sparsity_goal(asking.layers()[1]) == 0.6);
    CHECK_FALSE(asking.sparsity_goal(asking.layers()[0]));
    return Numbers{1, 1, 2};
  });
  pruner(net);
  for (int epoch = 0; epoch < 4; ++epoch) {
    pruner.update_epoch(epoch);
    CHECK(searches == (epoch >= 1));
    net(normal({1, 8, 8, 1}, 1));
  }
  // What was found is part of the state: it is not searched again.
  nn::State state;
  nn::StateVisitor saving = nn::StateVisitor::saving(state);
  pruner.visit_state(saving);
  nn::Sequential second = four_layers();
  SensitivityPruner resumed(rules);
  resumed(second);
  nn::StateVisitor restoring = nn::StateVisitor::restoring(state);
  resumed.visit_state(restoring);
  resumed.update_epoch(4);
  CHECK(*resumed.sensitivity(resumed.layers()[2]) == 2);
  CHECK(*resumed.deviation(resumed.layers()[2]) == *pruner.deviation(pruner.layers()[2]));
  CHECK(masked(resumed, 1) == masked(pruner, 1));
}

TEST_CASE("sensitivity: errors") {
  CHECK(error_of("{sensitivity: 0.5, start_epoch: 1, end_epoch: 4}") == "no error");
  CHECK_THAT(error_of("{start_epoch: 1}"), Contains("missing key 'sensitivity'"));
  CHECK_THAT(error_of("{sensitivity: 0.5, sparsity: 0.5}"),
             Contains("sparsity is a goal and 'sensitivity' a threshold"));
  CHECK_THAT(error_of("{sensitivity: 0}"), Contains("a number above 0"));
  CHECK_THAT(error_of("{sparsity: 1}"), Contains("sparsity must be a number"));
  CHECK_THAT(error_of("{sensitivity: 1, std: survivors}"), Contains("one of dense, current"));
  CHECK_THAT(error_of("{sensitivity: 1, granularity: 2:4}"), Contains("cannot be a pattern"));
  CHECK_THAT(error_of("{sensitivity: 1, scope: global}"), Contains("cannot be global"));
  CHECK_THAT(error_of("{sensitivity: 1, start_epoch: 3, end_epoch: 3}"),
             Contains("must be after start_epoch"));
}

TEST_CASE("fully connected layers and convolutions are masked and retrained in turn") {
  nn::Sequential net = four_layers();
  SensitivityPruner pruner({{{"sensitivity", 0.8},
                             {"retrain", "alternate"},
                             {"unit", "step"},
                             {"start_step", 1},
                             {"end_step", 4}}});  // updates at 1, 2 and 3
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.05, .momentum = 0.9});
  const auto sparse = [&] {  // conv1, conv2, fc1, fc2
    std::vector<bool> all;
    for (const LayerInfo& layer : pruner.layers()) all.push_back(pruner.mask(layer).masked() > 0);
    return all;
  };
  const auto values = [&](size_t layer) {
    Numbers all;
    for (const auto& parameter : pruner.layers()[layer].module->parameters) {
      for (const float value : parameter->effective_value().values()) all.push_back(double{value});
    }
    return all;
  };
  const auto step = [&](uint64_t seed) {
    const Numbers conv = values(1), fc = values(2);
    train_four_layers(net, sgd, seed);
    return std::pair(values(1) != conv, values(2) != fc);
  };
  CHECK(step(0) == std::pair(true, true));  // dense, all is trained
  // The first update masks fc1 and fc2 and holds the convolutions, the second the other way round;
  // with the third, the last, all are trained again.
  CHECK(step(1) == std::pair(false, true));
  CHECK(sparse() == std::vector<bool>{false, false, true, true});
  CHECK(step(2) == std::pair(true, false));
  CHECK(sparse() == std::vector<bool>{true, true, true, true});
  CHECK(step(3) == std::pair(true, true));
  CHECK(step(4) == std::pair(true, true));
}

TEST_CASE("of coarse groups one stays, whatever the threshold") {
  // Means 1 and 2, σ 0.5: 1.5 lies between them, and 5 above both.
  for (const double q : {3.0, 10.0}) {
    nn::Sequential net{nn::Linear({.in = 4, .out = 2})};
    net[0].parameters()[0].parameter->load(Tensor::from({2, 4}, {1, 1, 1, 1, 2, 2, 2, 2}));
    SensitivityPruner pruner({{{"sensitivity", q}, {"granularity", "filter"}}});
    pruner(net);
    CHECK(mask_of(pruner) == Numbers{0, 0, 0, 0, 1, 1, 1, 1});
  }
}

TEST_CASE("dropout shrinks with the root of the connections left") {
  // The layer keeps the two of 3 and −3: half of its connections, and 0.5·√½ = 0.3536.
  nn::Sequential net{nn::Dropout({.p = 0.2}), nn::Linear({.in = 4, .out = 1}),
                     nn::Dropout({.p = 0.5})};
  net[1].parameters()[0].parameter->load(four(1, -1, 3, -3));
  SensitivityPruner pruner({{{"sensitivity", 1}, {"scale_dropout", true}}});
  pruner(net);
  CHECK(dynamic_cast<nn::Dropout&>(net[2]).p() == Approx(0.5 * std::sqrt(0.5)));
  CHECK(dynamic_cast<nn::Dropout&>(net[0]).p() == 0.2);  // no layer before it
}

TEST_CASE("a search finds the thresholds that are due, others in their time") {
  nn::Sequential net = four_layers();
  SensitivityPruner pruner({{{"sparsity", 0.5}, {"support_op", "conv1"}},
                            {{"sparsity", 0.5}, {"support_op", "fc1"}, {"start_epoch", 2}}});
  double answer = 0.5;
  std::vector<std::vector<bool>> asked;
  pruner.set_search([&](const SensitivityPruner& asking) {
    std::vector<bool> needed;
    for (const LayerInfo& layer : asking.layers()) needed.push_back(asking.needs_threshold(layer));
    asked.push_back(needed);
    return Numbers{answer, answer};
  });
  pruner(net);
  pruner.update_epoch(0);
  CHECK(asked == std::vector<std::vector<bool>>{{true, false}});
  CHECK(pruner.sensitivity(pruner.layers()[0]) == 0.5);
  CHECK_FALSE(pruner.sensitivity(pruner.layers()[1]).has_value());
  nn::SGD sgd(net, {.lr = 0.05});
  train_four_layers(net, sgd, 0);
  answer = 0.75;
  pruner.update_epoch(2);
  CHECK(asked.back() == std::vector<bool>{false, true});
  CHECK(pruner.sensitivity(pruner.layers()[0]) == 0.5);
  CHECK(pruner.sensitivity(pruner.layers()[1]) == 0.75);
}
