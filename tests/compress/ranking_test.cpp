// What is masked together and among whom it is ranked, on weights small enough to work by hand.
#include <algorithm>
#include <catch2/catch.hpp>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Numbers = std::vector<double>;
using Counts = std::vector<int64_t>;

namespace {

Ranking ranking_of(const std::string& granularity) {
  MapReader reader(parse_yaml("{granularity: " + granularity + "}", "f"), "rule");
  return Ranking::read(reader);
}

/// The mask of one layer that is ranked alone.
Numbers masked(const Tensor& weight, const std::string& granularity, double sparsity) {
  const Ranking ranking = ranking_of(granularity);
  return doubles(mask_smallest({weight}, sparsity, ranking)[0]);
}

/// How many weights of each layer are masked.
Counts masked_counts(const std::vector<Tensor>& weights, double sparsity, const Ranking& ranking) {
  Counts counts;
  for (const Tensor& mask : mask_smallest(weights, sparsity, ranking))
    counts.push_back(Mask::from(mask).masked());
  return counts;
}

Tensor matrix() {
  return Tensor::from({3, 4}, {1, -2, 3, -4,     //
                               .5, .5, -.5, .5,  //
                               9, 0, 0, -1});
}

/// One output, a kernel of 2×2, two inputs:
///
///     input 0: 1 2    input 1: 8 1
///              5 5             0 1
Tensor kernel() {
  return Tensor::from({1, 2, 2, 2}, {1, 8, -2, 1, 5, 0, -5, 1});
}

std::string error_of(const std::string& algorithm, const std::string& rule) {
  nn::Sequential net = four_layers();
  const Rules rules = Rules::from(parse_yaml("[" + rule + "]", "f"), algorithm);
  LevelPruner level(rules);
  AGPruner agp(rules);
  try {
    if (algorithm == "LevelPruner") level(net);
    if (algorithm == "AGPruner") agp(net);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("granularity: a matrix by hand") {
  const Tensor w = matrix();
  // 3 of 12: the zeros and the first 0.5
  CHECK(masked(w, "element", 0.25) == Numbers{1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1});
  for (const char* rows : {"row", "filter"}) {
    // Means 2.5, 0.5, 2.5: the second row first, then, of equals, the upper one.
    CHECK(masked(w, rows, 0.33) == Numbers{1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1});
    CHECK(masked(w, rows, 0.66) == Numbers{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1});
    CHECK(masked(w, rows, 0.99) == masked(w, rows, 0.66));  // one stays
    CHECK(masked(w, rows, 0.16) == Numbers(12, 1));         // 1.92 of 4 are nearer to none
    CHECK(masked(w, rows, 0.17) == masked(w, rows, 0.33));  // 2.04 of 4 to one
  }
  // Means 3.5, 2.5/3, 3.5/3, 5.5/3. 0.3·12/3 = 1.2 groups are 1, 1.5 are 2.
  CHECK(masked(w, "channel", 0.3) == Numbers{1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1});
  CHECK(masked(w, "channel", 0.375) == Numbers{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1});
  // Blocks of 2×3: 7.5/6 = 1.25 and, smaller at the edges, 4.5/2 = 2.25; below them 9/3 = 3 and 1.
  CHECK(masked(w, "{block: [2, 3]}", 0.3) == Numbers{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(masked(w, "{block: [2, 3]}", 0.5) == Numbers{0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0});
  CHECK(masked(w, "[block, 2, 3]", 0.5) == masked(w, "{block: [2, 3]}", 0.5));
  CHECK(masked(w, "{block: [1, 1]}", 0.25) == masked(w, "element", 0.25));
}

TEST_CASE("granularity: a convolution by hand") {
  const Tensor w = kernel();
  // Rows of input 0: 1.5 and 5, of input 1: 4.5 and 0.5.
  CHECK(masked(w, "row", 0.25) == Numbers{1, 1, 1, 1, 1, 0, 1, 0});
  CHECK(masked(w, "row", 0.5) == Numbers{0, 1, 0, 1, 1, 0, 1, 0});
  CHECK(masked(w, "channel", 0.5) == Numbers{1, 0, 1, 0, 1, 0, 1, 0});  // 13/4 and 10/4
  CHECK(masked(w, "filter", 0.9) == Numbers(8, 1));                     // the only one stays
  // Places: 4.5, 1.5, 2.5, 3
  CHECK(masked(w, "{block: [1, 2]}", 0.5) == Numbers{1, 1, 0, 0, 0, 0, 1, 1});
  CHECK(masked(w, "{block: [4, 9]}", 0.5) == Numbers{1, 1, 0, 0, 0, 0, 1, 1});
  const Tensor two = Tensor::from({2, 1, 1, 2}, {1, 4, 3, 2});
  CHECK(masked(two, "filter", 0.5) == Numbers{0, 0, 1, 1});   // 2.5 each
  CHECK(masked(two, "channel", 0.5) == Numbers{0, 1, 0, 1});  // 2 and 3
  CHECK(masked(two, "{block: [2, 1]}", 0.5) == Numbers{0, 1, 0, 1});
}

TEST_CASE("N:M keeps the N largest of each M inputs") {
  CHECK(doubles(mask_pattern(matrix(), 2, 4)) == Numbers{0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1});
  CHECK(doubles(mask_pattern(kernel(), 1, 2)) == Numbers{0, 1, 1, 0, 1, 0, 1, 0});
  // What is left over at the end of a row keeps as many, if it has them.
  const Tensor odd = Tensor::from({2, 3}, {3, -2, 1, 1, 2, 3});
  CHECK(doubles(mask_pattern(odd, 1, 2)) == Numbers{1, 0, 1, 0, 1, 1});
  CHECK(doubles(mask_pattern(odd, 2, 4)) == Numbers{1, 1, 0, 0, 1, 1});
}

TEST_CASE("global: layers share one budget, ranked by |w|·fan_in^¼") {
  // fan_in 1 and 16, factors 1 and 2. Scores of a: 3, 1; of b: 0.8, 1.2, 2.8 and 13 times 4.
  const Tensor a = Tensor::from({2, 1}, {3, -1});
  const Tensor b = Tensor::generate({1, 2, 2, 4}, [](int64_t i) {
    return i == 0 ? .4f : i == 1 ? -.6f : i == 2 ? 1.4f : 2.0f;
  });
  const Ranking elements{.global = true};
  CHECK(masked_counts({a, b}, 0.0, elements) == Counts{0, 0});
  CHECK(masked_counts({a, b}, 1.0 / 18, elements) == Counts{0, 1});
  CHECK(masked_counts({a, b}, 2.0 / 18, elements) == Counts{1, 1});
  CHECK(masked_counts({a, b}, 4.0 / 18, elements) == Counts{1, 3});
  CHECK(masked_counts({a, b}, 5.0 / 18, elements) == Counts{2, 3});
  CHECK(masked_counts({b, a}, 2.0 / 18, elements) == Counts{1, 1});
  CHECK(doubles(mask_smallest({a, b}, 2.0 / 18, elements)[0]) == Numbers{1, 0});
  // Of equal scores the first layer goes first, and in it the first weight.
  const Tensor same = Tensor::full({2, 3}, 1);
  CHECK(masked_counts({same, same}, 0.25, elements) == Counts{3, 0});
  CHECK(masked_counts({same, same}, 0.75, elements) == Counts{6, 3});

  // Inputs of a: 2. Of b: (.4 + 3·2)/4·2 = 3.2, (.6 + 6)/4·2 = 3.3, (1.4 + 6)/4·2 = 3.7 and 4; of
  // the 18 weights each takes 4. One of each layer stays, so a is left out.
  const Ranking channels{.group = Ranking::Group::channel, .global = true};
  CHECK(masked_counts({a, b}, 0.1, channels) == Counts{0, 0});
  CHECK(masked_counts({a, b}, 0.2, channels) == Counts{0, 4});
  CHECK(masked_counts({a, b}, 0.99, channels) == Counts{0, 12});
  CHECK(doubles(mask_smallest({a, b}, 0.2, channels)[1]) ==
        Numbers{0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1});
}

TEST_CASE("global: exactly the budget is masked, at every update and with every policy") {
  for (const char* policy : {"zero", "freeze", "train"}) {
    nn::Sequential net = four_layers();
    AGPruner pruner({{{"final_sparsity", 0.9},
                      {"end_epoch", 4},
                      {"scope", "global"},
                      {"masked_weights", policy},
                      {"support_op", {"conv1", "conv2", "fc1"}}},
                     {{"final_sparsity", 0.5}, {"end_epoch", 1}, {"support_op", "fc2"}}});
    pruner(net);
    nn::SGD sgd(net, {.lr = 0.05, .momentum = 0.9});
    const AGPruner::CubicSchedule schedule{0, 0.9, 0, 4, 1};
    const int64_t together = 36 + 288 + 1280;
    for (int epoch = 0; epoch < 5; ++epoch) {
      pruner.update_epoch(epoch);
      for (uint64_t step = 0; step < 3; ++step) train_four_layers(net, sgd, step);
      int64_t count = 0;
      for (int i = 0; i < 3; ++i)
        count += pruner.mask(pruner.layers()[static_cast<size_t>(i)]).masked();
      CHECK(count == masked_count(schedule.sparsity_at(epoch), together));
      CHECK(pruner.mask(pruner.layers()[3]).masked() == 15);
    }
    // The budget is not spread evenly: that would be 32 of conv1.
    CHECK(pruner.mask(pruner.layers()[0]).masked() < 30);
  }
}

TEST_CASE("global: a mask for one layer is made together with all of its rule") {
  struct OneLayer : Pruner {
    using Pruner::Pruner;
    void read_rule(int rule, MapReader& options) override { read_ranking(rule, options); }
    void update_epoch(int) override { request_refresh(layers()[0]); }
    Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
      calls += layer.name + " ";
      return magnitude_mask(layer, weight, 0.5);
    }
    std::string calls;
  };
  nn::Sequential net = four_layers();
  OneLayer pruner({{{"scope", "global"}}, {{"support_op", "fc2"}}});
  pruner(net);
  pruner.calls.clear();
  pruner.update_epoch(1);
  net(normal({1, 8, 8, 1}, 1));
  CHECK(pruner.calls == "conv1 conv2 fc1 ");
}

TEST_CASE("granularity and scope of a rule act in training, and are told of") {
  nn::Sequential net = four_layers();
  LevelPruner pruner(Rules::from(
      parse_yaml("[{granularity: 2:4, support_type: Linear}, {sparsity: 0.5, granularity: filter, "
                 "scope: global, support_type: Conv2d}]",
                 "f"),
      "LevelPruner"));
  pruner(net);
  CHECK(summarise_rules(pruner) ==
        std::vector<std::string>{
            "rule 1: fc1, fc2 (2 of each 4 stay)",
            "rule 2: conv1, conv2 (by filter, ranked together by |w|·fan_in^¼)"});
  nn::SGD sgd(net, {.lr = 0.1});
  for (uint64_t step = 0; step < 20; ++step) train_four_layers(net, sgd, step);
  const Mask& fc1 = pruner.mask(pruner.layers()[2]);
  for (int64_t i = 0; i < fc1.size(); i += 4)
    REQUIRE(fc1[i] + fc1[i + 1] + fc1[i + 2] + fc1[i + 3] == 2);
  CHECK(pruner.mask(pruner.layers()[3]).masked() == 12);  // of 3×10: 4 of each row, its last 2 stay
  // Half of 324 weights in filters of 9 and 36.
  const int64_t conv1 = pruner.mask(pruner.layers()[0]).masked();
  const int64_t conv2 = pruner.mask(pruner.layers()[1]).masked();
  CHECK(conv1 % 9 == 0);
  CHECK(conv2 % 36 == 0);
  CHECK(std::abs(conv1 + conv2 - 162) <= 18);
}

TEST_CASE("granularity: a layer of which it can mask nothing is left out, unless it is named") {
  const auto why_left_out = [](const std::string& rule) {
    nn::Sequential net;
    net.add("depthwise", nn::Conv2d({.in = 16, .out = 16, .kernel = 3, .groups = 16}))
        .add("pointwise", nn::Conv2d({.in = 16, .out = 8, .kernel = 1}));
    LevelPruner pruner(Rules::from(parse_yaml("[" + rule + "]", "f"), "LevelPruner"));
    pruner(net);
    std::vector<std::string> all;
    for (const ExcludedLayer& each : pruner.excluded()) all.push_back(each.name + ": " + each.why);
    return all;
  };
  using Strings = std::vector<std::string>;
  CHECK(why_left_out("{granularity: \"2:4\"}") ==
        Strings{"depthwise: it has 1 input for each output, and 2 of each 4 stay"});
  CHECK(why_left_out("{granularity: channel, sparsity: 0.5}") ==
        Strings{"depthwise: it is one channel"});
  CHECK(why_left_out("{granularity: filter, sparsity: 0.5}").empty());
  CHECK(why_left_out("{granularity: {block: [16, 16]}, sparsity: 0.5}") ==
        Strings{"pointwise: it is one block"});
  CHECK(why_left_out("{granularity: channel, sparsity: 0.5, op_names: depthwise}").empty());
}

TEST_CASE("AGP puts a pattern on at the start") {
  nn::Sequential net = four_layers();
  AGPruner pruner({{{"granularity", "1:4"}, {"start_epoch", 2}, {"support_op", "fc1"}}});
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.1});
  for (int epoch = 0; epoch < 4; ++epoch) {
    pruner.update_epoch(epoch);
    train_four_layers(net, sgd, 1);
    CHECK(pruner.mask(pruner.layers()[0]).masked() == (epoch < 2 ? 0 : 960));
  }
}

TEST_CASE("granularity and scope: errors") {
  const auto level = [](const std::string& rule) { return error_of("LevelPruner", rule); };
  CHECK(level("{sparsity: 0.5, granularity: filter}") == "no error");
  CHECK_THAT(level("{sparsity: 0.5, granularity: filtr}"),
             Contains("f:1:31: granularity must be one of element, row, filter, channel, {block: "
                      "[outputs, inputs]} or N:M such as '2:4', not 'filtr'; did you mean "
                      "'filter'? (in LevelPruner rule 1)"));
  for (const char* wrong : {"block", "3", "{block: 4}", "{block: [1]}", "{block: [1, 2.5]}",
                            "{blok: [1, 4]}", "{block: [1, 4], row: 1}", "[block, 4]", "'2:x'"})
    CHECK_THAT(level(std::string("{sparsity: 0.5, granularity: ") + wrong + "}"),
               Contains("granularity must be one of"));
  for (const char* block : {"[0, 4]", "[4, 0]", "[-1, 4]"})
    CHECK_THAT(level(std::string("{sparsity: 0.5, granularity: {block: ") + block + "}}"),
               Contains("must have blocks of at least 1 output and 1 input"));
  for (const char* pattern : {"'4:2'", "'4:4'", "'0:4'", "'-1:4'"})
    CHECK_THAT(level(std::string("{granularity: ") + pattern + "}"),
               Contains("must be N:M with 1 ≤ N < M"));
  CHECK_THAT(level("{sparsity: 0.5, granularity: 2:4}"),
             Contains("f:1:13: sparsity cannot stand beside granularity '2:4', which fixes the "
                      "sparsity; leave one of them out"));
  CHECK_THAT(level("{granularity: 2:4, scope: global}"),
             Contains("scope cannot be global beside granularity '2:4'"));
  CHECK_THAT(level("{sparsity: 0.5, scope: globl}"), Contains("did you mean 'global'"));
  CHECK_THAT(level("{granularity: filter}"), Contains("missing key 'sparsity'"));
  const auto agp = [](const std::string& rule) { return error_of("AGPruner", rule); };
  for (const char* key :
       {"initial_sparsity: 0.1", "final_sparsity: 0.5", "end_epoch: 3", "frequency: 2"})
    CHECK_THAT(agp(std::string("{granularity: 2:4, ") + key + "}"),
               Contains(std::string(key).substr(0, std::string(key).find(':')) +
                        " cannot stand beside granularity '2:4'"));
  CHECK(agp("{granularity: 2:4, unit: step, start_step: 7}") == "no error");
}
