// What rules mean: which layer follows which, what is excluded, what they come to.
#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/optim/sgd.h"
#include "support/files.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Catch::Equals;
using Strings = std::vector<std::string>;

namespace {

/// Attaches an AGPruner with these rules, as they stand in a file `f`, and says what went wrong.
std::string error_of(const std::string& rules) {
  nn::Sequential net = four_layers();
  AGPruner pruner(Rules::from(parse_yaml(rules, "f"), "AGPruner"));
  try {
    pruner(net);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::string layers_of(const Compressor& compressor) {
  std::string text;
  for (const LayerInfo& layer : compressor.layers())
    text += layer.name + "=" + std::to_string(layer.rule + 1) + " ";
  for (const ExcludedLayer& layer : compressor.excluded())
    text += "-" + layer.name + "=" + std::to_string(layer.rule + 1) + " ";
  return text;
}

/// The layers that rules with sparsity 0.5 choose, and what they exclude.
std::string chosen(const std::string& rules) {
  nn::Sequential net = four_layers();
  LevelPruner pruner(Rules::from(parse_yaml(rules, "f"), "LevelPruner"));
  pruner(net);
  return layers_of(pruner);
}

}  // namespace

TEST_CASE("one line prunes a network") {
  nn::Sequential net = four_layers();
  LevelPruner pruner({{{"sparsity", 0.8}, {"support_type", "default"}}});
  pruner(net);
  CHECK(pruner.layers().size() == 4);
  CHECK(pruner.mask(pruner.layers()[2]).masked() == 1024);
}

TEST_CASE("a configuration of the original toolkit runs unchanged, and excludes everything") {
  const testing::TemporaryFile file(R"(tfAGPruner:
  config:
    -
        start_epoch: 0
        end_epoch: 16
        frequency: 2
        initial_sparsity: 0.05
        final_sparsity: 0.60
        support_type: default
    -
        prune: False
        start_epoch: 0
        end_epoch: 20
        frequency: 2
        initial_sparsity: 0.05
        final_sparsity: 0.60
        support_type: [Linear]
        support_op: [conv1, conv2]
)");
  nn::Sequential net = four_layers();
  AGPruner pruner;
  pruner.load_configure(file.path());
  pruner(net);
  CHECK(layers_of(pruner) == "-conv1=2 -conv2=2 -fc1=2 -fc2=2 ");
  CHECK(summarise_rules(pruner) ==
        Strings{"rule 1 is overridden by later rules",
                "rule 2 excludes conv1, conv2, fc1, fc2: nothing is left to prune"});
  CHECK(unfinished_schedules(pruner, 5, 10).empty());
  nn::SGD sgd(net, {.lr = 0.1});
  for (int epoch = 0; epoch < 3; ++epoch) {
    pruner.update_epoch(epoch);
    train_four_layers(net, sgd, 1);
  }
  for (const nn::NamedParameter& named : net.parameters())
    CHECK(named.parameter->transform(nn::WeightTransform::Stage::mask) == nullptr);
}

TEST_CASE("a configuration of the original toolkit follows equation 1, layer by layer") {
  const auto made = Registry::with_builtin().make_all(
      parse_yaml("AGPruner: {config: [{start_epoch: 1, end_epoch: 10, frequency: 1, "
                 "initial_sparsity: 0.05, final_sparsity: 0.8, support_type: 'default'}]}",
                 "f"));
  auto& pruner = dynamic_cast<AGPruner&>(*made.at(0));
  nn::Sequential net = four_layers();
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.05, .momentum = 0.9});
  // s(t) = 0.8 − 0.75·(1 − (t − 1)/8)³ for t = 1 … 9, the last update before epoch 10:
  //   0, .05, .29756, .48359, .61689, .70625, .76045, .78828, .79854, .8, and then held;
  // times 36, 288, 1280 and 30 weights, rounded.
  const int64_t masked[12][4] = {{0, 0, 0, 0},        {2, 14, 64, 2},      {11, 86, 381, 9},
                                 {17, 139, 619, 15},  {22, 178, 790, 19},  {25, 203, 904, 21},
                                 {27, 219, 973, 23},  {28, 227, 1009, 24}, {29, 230, 1022, 24},
                                 {29, 230, 1024, 24}, {29, 230, 1024, 24}, {29, 230, 1024, 24}};
  for (int epoch = 0; epoch < 12; ++epoch) {
    INFO("epoch " << epoch);
    pruner.update_epoch(epoch);
    for (int step = 0; step < 2; ++step)
      train_four_layers(net, sgd, static_cast<uint64_t>(2 * epoch + step));
    for (const LayerInfo& layer : pruner.layers()) {
      const int64_t expected = masked[epoch][layer.index];
      CHECK(pruner.mask(layer).masked() == expected);
      const Tensor weight = layer.parameter->effective_value();
      CHECK(std::count(weight.values().begin(), weight.values().end(), 0.0f) == expected);
    }
  }
}

TEST_CASE("types or names, types and names, and the default") {
  CHECK(chosen("{sparsity: 0.5}") == "conv1=1 conv2=1 fc1=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_type: default}") == "conv1=1 conv2=1 fc1=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_type: [Conv2d]}") == "conv1=1 conv2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_layer: Conv2d}") == "conv1=1 conv2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_op: fc2}") == "fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_type: Conv2d, support_op: [fc2]}") ==
        "conv1=1 conv2=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, op_types: [Linear]}") == "fc1=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, op_names: [conv1, fc2]}") == "conv1=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, op_types: Linear, op_names: [conv1, fc2]}") == "fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, op_types: default, op_names: [conv1, fc2]}") == "conv1=1 fc2=1 ");
}

TEST_CASE("names may be patterns") {
  CHECK(chosen("{sparsity: 0.5, support_op: 'conv*'}") == "conv1=1 conv2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_op: 'conv?'}") == "conv1=1 conv2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_op: '*2'}") == "conv2=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, support_op: ['re:.*1', fc2]}") == "conv1=1 fc1=1 fc2=1 ");
  CHECK(chosen("{sparsity: 0.5, op_names: '*2', op_types: Linear}") == "fc2=1 ");
  CHECK(chosen("[{sparsity: 0.5}, {exclude: true, op_names: \"re:fc[12]\"}]") ==
        "conv1=1 conv2=1 -fc1=2 -fc2=2 ");

  nn::Sequential net, inner;
  inner.add("conv1", nn::Conv2d({.in = 4, .out = 4, .kernel = 3}))
      .add("conv2", nn::Conv2d({.in = 4, .out = 4, .kernel = 3}));
  net.add("conv1", nn::Conv2d({.in = 1, .out = 4, .kernel = 3})).add("block1", std::move(inner));
  LevelPruner pruner({{{"sparsity", 0.5}, {"support_op", "block*.conv?"}}});
  pruner(net);
  CHECK(layers_of(pruner) == "block1.conv1=1 block1.conv2=1 ");

  const std::string good = "final_sparsity: 0.5, end_epoch: 4";
  CHECK(error_of("- {" + good + ", support_op: [fc1, 'con?']}") ==
        "[config] f:1:57: support_op[1] is 'con?', but that matches the name of no layer with "
        "weights; there are conv1, conv2, fc1, fc2 (in AGPruner rule 1)");
  CHECK(error_of("- {" + good + ", op_names: 're:fc'}") ==
        "[config] f:1:49: op_names is 're:fc', but that matches the name of no layer with weights; "
        "there are conv1, conv2, fc1, fc2 (in AGPruner rule 1)");
  CHECK(error_of("- {" + good + ", op_names: 're:fc('}") ==
        "[config] f:1:49: op_names is wrong: 'fc(' is no regular expression: a parenthesis is not "
        "closed or not opened, or there is nothing before a *, + or ? to repeat (in AGPruner rule "
        "1)");
  CHECK_THAT(error_of("- {" + good + ", support_type: 'Conv*'}"),
             Contains("support_type is 'Conv*', but no layer with weights is of that type"));
}

TEST_CASE("configurations in the original toolkits' spellings choose what they say") {
  // As a file and in code, with one rule and with several.
  const auto of_file = [](const std::string& text) {
    nn::Sequential net = four_layers();
    std::string layers;
    for (const auto& compressor : Registry::with_builtin().make_all(parse_yaml(text, "f"))) {
      (*compressor)(net);
      layers += compressor->name() + ": " + layers_of(*compressor);
    }
    return layers;
  };
  CHECK(of_file("LevelPruner: {config: [{sparsity: 0.8, support_type: default}]}") ==
        "LevelPruner: conv1=1 conv2=1 fc1=1 fc2=1 ");
  CHECK(of_file("LevelPruner:\n  config:\n    - sparsity: 0.8\n      support_type: 'default'\n") ==
        "LevelPruner: conv1=1 conv2=1 fc1=1 fc2=1 ");
  CHECK(of_file("LevelPruner: {config: [{sparsity: 0.8, support_layer: [Conv2d], support_op: "
                "[fc2]}]}") == "LevelPruner: conv1=1 conv2=1 fc2=1 ");
  CHECK(of_file("torchLevelPruner: {config: [{sparsity: 0.8, op_types: [default]}, {op_names: "
                "[fc2], exclude: True}]}") == "LevelPruner: conv1=1 conv2=1 fc1=1 -fc2=2 ");
  for (const char* name : {"AGPruner", "tfAGPruner", "torchAGPruner"}) {
    INFO(name);
    CHECK(of_file(std::string(name) +
                  ":\n  config:\n    -\n      start_epoch: 1\n      end_epoch: 10\n"
                  "      frequency: 1\n      initial_sparsity: 0.05\n      final_sparsity: 0.8\n"
                  "      support_type: [default]\n    -\n      prune: False\n"
                  "      support_op: [conv1]\n") == "AGPruner: conv2=1 fc1=1 fc2=1 -conv1=2 ");
  }
  for (const char* name : {"QATQuantizer", "QAT_Quantizer", "QATquantizer", "tfQAT_Quantizer"}) {
    INFO(name);
    CHECK(of_file(std::string(name) + ": {config: [{q_bits: 8, support_type: default}]}") ==
          "QATQuantizer: conv1=1 conv2=1 fc1=1 fc2=1 ");
  }
  nn::Sequential net = four_layers();
  LevelPruner in_code({{{"sparsity", 0.8}, {"support_layer", {"Conv2d"}}, {"support_op", {"fc2"}}},
                       {{"exclude", true}, {"op_names", {"conv1"}}}});
  in_code(net);
  CHECK(layers_of(in_code) == "conv2=1 fc2=1 -conv1=2 ");
}

TEST_CASE("a later rule replaces an earlier one whole") {
  CHECK(chosen("[{sparsity: 0.5}, {sparsity: 0.6, support_op: fc1}]") ==
        "conv1=1 conv2=1 fc1=2 fc2=1 ");
  CHECK(chosen("[{sparsity: 0.5, support_op: fc1}, {sparsity: 0.6}]") ==
        "conv1=2 conv2=2 fc1=2 fc2=2 ");
  CHECK(chosen("[{sparsity: 0.5}, {prune: no, support_op: fc1}]") ==
        "conv1=1 conv2=1 fc2=1 -fc1=2 ");
  CHECK(chosen("[{sparsity: 0.5}, {exclude: True, support_type: [Linear]}]") ==
        "conv1=1 conv2=1 -fc1=2 -fc2=2 ");
  CHECK(chosen("[{exclude: True, support_op: fc1}, {sparsity: 0.5, support_type: Linear}]") ==
        "fc1=2 fc2=2 ");
  CHECK(chosen("[{sparsity: 0.5}, {prune: True, exclude: False, sparsity: 0.1}]") ==
        "conv1=2 conv2=2 fc1=2 fc2=2 ");
  // Not a merge: what the later rule does not say is its default.
  nn::Sequential net = four_layers();
  LevelPruner pruner({{{"sparsity", 0.5}, {"frequency", "once"}}, {{"sparsity", 0.25}}});
  pruner(net);
  CHECK(pruner.rules_as_run().as_list()[1].find("frequency")->as_integer() == 16);
}

TEST_CASE("a wrong rule is an error where it stands, with what was meant") {
  const std::string good = "final_sparsity: 0.5, end_epoch: 4";
  CHECK(error_of("- {" + good + ", support_op: [fc1, cnv2]}") ==
        "[config] f:1:57: support_op[1] is 'cnv2', but no layer with weights has that name; did "
        "you mean 'conv2'? There are conv1, conv2, fc1, fc2 (in AGPruner rule 1)");
  CHECK(error_of("- {" + good + ", support_type: Conv2D}") ==
        "[config] f:1:53: support_type is 'Conv2D', but no layer with weights is of that type; did "
        "you mean 'Conv2d'? There are default, Conv2d, Linear (in AGPruner rule 1)");
  CHECK(error_of("- {" + good + ", op_types: [ReLU]}") ==
        "[config] f:1:50: op_types[0] is 'ReLU', but no layer with weights is of that type; there "
        "are default, Conv2d, Linear (in AGPruner rule 1)");
  CHECK(error_of("- {" + good + "}\n- {" + good + ", frequncy: 2}") ==
        "[config] f:2:39: unknown key 'frequncy' in AGPruner rule 2; did you mean 'frequency'? "
        "Known keys: support_type, support_layer, support_op, op_types, op_names, prune, exclude, "
        "masked_weights, granularity, scope, initial_sparsity, final_sparsity, unit, start_epoch, "
        "end_epoch, frequency");
  CHECK(error_of("- {final_sparsity: 1.5, end_epoch: 4}") ==
        "[config] f:1:20: final_sparsity must be a number in [0, 1), not 1.5 (in AGPruner rule 1)");
  CHECK(error_of("- {end_epoch: 4}") ==
        "[config] f:1:3: missing key 'final_sparsity' in AGPruner rule 1");
  CHECK(error_of("- {" + good + ", initial_sparsity: 0.6}") ==
        "[config] f:1:20: final_sparsity must not be below initial_sparsity (in AGPruner rule 1)");
  CHECK_THAT(error_of("- {" + good + ", support_type: Linear, op_names: fc1}"),
             Contains("f:1:71: op_names cannot stand beside 'support_…' keys"));
  CHECK_THAT(error_of("- {" + good + ", support_type: Linear, support_layer: Conv2d}"),
             Contains("support_layer stands beside 'support_type', which means the same"));
  CHECK_THAT(error_of("- {" + good + ", op_types: Conv2d, op_names: fc1}"),
             Contains("f:1:3: AGPruner rule 1 matches no layer of the model"));
  CHECK_THAT(error_of("- {" + good + ", prune: False, exclude: False}"),
             Contains("exclude says the opposite of 'prune'"));
  CHECK_THROWS_WITH(parse_yaml("- {end_epoch: 4, end_epoch: 5}", "f"),
                    Contains("f:1:18: key 'end_epoch' is given twice"));
  CHECK(error_of("- {" + good + "}\n- {" + good + "}") == "no error");  // wholly overridden
}

TEST_CASE("a rule that excludes is checked like the others, but need not be complete") {
  const std::string first = "- {final_sparsity: 0.5, end_epoch: 4}\n- ";
  CHECK(error_of(first + "{prune: False, support_op: fc1}") == "no error");
  CHECK(error_of(first + "{exclude: True, support_op: fc1, end_epoch: 20, unit: epoch}") ==
        "no error");
  CHECK(error_of(first + "{prune: False, support_op: fc1, initial_sparsity: 0.9}") == "no error");
  CHECK_THAT(error_of(first + "{prune: False, support_op: fc1, frequncy: 2}"),
             Contains("f:2:35: unknown key 'frequncy' in AGPruner rule 2; did you mean "
                      "'frequency'?"));
  CHECK(error_of(first + "{prune: False, support_op: fc1, final_sparsity: 1.5}") ==
        "[config] f:2:51: final_sparsity must be a number in [0, 1), not 1.5 (in AGPruner rule 2)");
  CHECK(error_of(first + "{prune: False, support_op: fc1, start_epoch: 9, end_epoch: 3}") ==
        "[config] f:2:62: end_epoch must be after start_epoch (in AGPruner rule 2)");
  CHECK_THAT(error_of(first + "{prune: False, support_op: fc3}"), Contains("f:2:30: support_op"));
  CHECK_THAT(error_of(first + "{prune: False, op_types: Conv2d, op_names: fc1}"),
             Contains("f:2:3: AGPruner rule 2 matches no layer"));
  CHECK_THAT(error_of(first + "{prune: nope, support_op: fc1}"),
             Contains("f:2:11: prune must be true or false, not 'nope'"));
}

TEST_CASE("rules are summed up in a line each") {
  const auto lines = [](const std::string& rules) {
    nn::Sequential net = four_layers();
    LevelPruner pruner(Rules::from(parse_yaml(rules, "f"), "LevelPruner"));
    pruner(net);
    return summarise_rules(pruner);
  };
  CHECK(lines("[{sparsity: 0.5}, {prune: False, support_op: fc2}]") ==
        Strings{"rule 1: conv1, conv2, fc1", "rule 2 excludes fc2"});
  CHECK(lines("[{sparsity: 0.5}, {sparsity: 0.6}]") ==
        Strings{"rule 1 is overridden by later rules", "rule 2: conv1, conv2, fc1, fc2"});
  CHECK(lines("[{prune: False}]") ==
        Strings{"rule 1 excludes conv1, conv2, fc1, fc2: nothing is left to prune"});

  nn::Sequential deep;
  for (int i = 1; i <= 12; ++i) deep.add("fc" + std::to_string(i), nn::Linear({.in = 2, .out = 2}));
  LevelPruner pruner({{{"sparsity", 0.5}}});
  pruner(deep);
  CHECK(summarise_rules(pruner) ==
        Strings{"rule 1: fc1, fc2, fc3, fc4, fc5, fc6, fc7, fc8 and 4 more"});
}

TEST_CASE("a schedule that training ends before is told of") {
  const auto told = [](const std::string& rules, int64_t epochs, int64_t steps_per_epoch) {
    nn::Sequential net = four_layers();
    AGPruner pruner(Rules::from(parse_yaml(rules, "f"), "AGPruner"));
    pruner(net);
    return unfinished_schedules(pruner, epochs, steps_per_epoch);
  };
  const std::string by_epoch = "{initial_sparsity: 0.05, final_sparsity: 0.6, end_epoch: 16}";
  // .6 − .55·(1 − 4/15)³ = .383
  CHECK(told(by_epoch, 5, 10) ==
        Strings{"AGPruner rule 1 reaches its final sparsity in epoch 16, but training ends after 5 "
                "epochs: at that point sparsity is 0.383; train at least 16 epochs, or set "
                "end_epoch to 5"});
  CHECK(told(by_epoch, 15, 10).size() == 1);
  CHECK(told(by_epoch, 16, 10).empty());
  // Updates at 0, 2, … 14: the last is in the 15th epoch.
  const std::string every_other = "{final_sparsity: 0.6, end_epoch: 16, frequency: 2}";
  CHECK(told(every_other, 14, 1).size() == 1);
  CHECK(told(every_other, 15, 1).empty());
  CHECK(told("{final_sparsity: 0.6, start_epoch: 3, end_epoch: 4}", 1, 10) ==
        Strings{"AGPruner rule 1 reaches its final sparsity in epoch 4, but training ends after 1 "
                "epoch: at that point sparsity is 0; train at least 4 epochs, or set end_epoch to "
                "1 and start_epoch below it"});
  // A pattern is put on at once and takes no end.
  CHECK(told("{granularity: \"2:4\", start_epoch: 10}", 5, 10) ==
        Strings{
            "AGPruner rule 1 reaches its start in epoch 11, but training ends after 5 epochs: at "
            "that point nothing is masked; train at least 11 epochs, or set start_epoch below 5"});
  // Steps 0 … 98, 10 an epoch. At step 49: .6·(1 − (1 − 49/99)³) = .523
  CHECK(told("{final_sparsity: 0.6, unit: step, end_step: 100}", 5, 10) ==
        Strings{"AGPruner rule 1 reaches its final sparsity in epoch 10, but training ends after 5 "
                "epochs: at that point sparsity is 0.523; train at least 10 epochs, or set "
                "end_step to 50"});
  CHECK(told("{final_sparsity: 0.6, unit: step, end_step: 100}", 10, 10).empty());
  // Only rules that layers follow.
  CHECK(told("[" + by_epoch + ", {final_sparsity: 0.5, end_epoch: 2}]", 3, 10).empty());
  CHECK(told("[" + by_epoch + ", {final_sparsity: 0.5, end_epoch: 9, support_op: fc1}]", 3, 10)
            .size() == 2);
  nn::Sequential net = four_layers();
  LevelPruner level({{{"sparsity", 0.5}}});
  level(net);
  CHECK(unfinished_schedules(level, 1, 1).empty());
}

TEST_CASE("the epochs that a schedule is said to need are exact") {
  for (int64_t end = 1; end < 40; ++end) {
    for (int64_t frequency : {1, 3, 7}) {
      for (int64_t steps : {1, 4, 9}) {
        for (const bool by_epoch : {true, false}) {
          nn::Sequential net = four_layers();
          const std::string unit = by_epoch ? "epoch" : "step";
          AGPruner pruner({{{"final_sparsity", 0.6},
                            {"unit", unit},
                            {"end_" + unit, end},
                            {"frequency", frequency},
                            {"support_op", "fc2"}}});
          pruner(net);
          const AGPruner::CubicSchedule schedule{0, 0.6, 0, end, frequency};
          int64_t epochs = 1;
          const auto last = [&] { return by_epoch ? epochs - 1 : epochs * steps - 1; };
          while (schedule.sparsity_at(last()) != 0.6) ++epochs;
          REQUIRE(pruner.schedule_ends(1, steps).at(0).epochs == epochs);
        }
      }
    }
  }
}

TEST_CASE("a training as long as is said reaches the final sparsity, and a shorter one does not") {
  for (const bool enough : {true, false}) {
    nn::Sequential net = four_layers();
    AGPruner pruner({{{"final_sparsity", 0.6}, {"unit", "step"}, {"end_step", 12}}});
    pruner(net);
    nn::SGD sgd(net, {.lr = 0.1});
    const int64_t needs = pruner.schedule_ends(1, 3).at(0).epochs;
    CHECK(needs == 4);
    for (int64_t step = 0; step < 3 * (enough ? needs : needs - 1); ++step)
      train_four_layers(net, sgd, static_cast<uint64_t>(step));
    CHECK((pruner.mask(pruner.layers()[2]).masked() == 768) == enough);
  }
}

TEST_CASE("rules as run spell out every default, and give the same again") {
  nn::Sequential net = four_layers();
  LevelPruner level({{{"sparsity", 0.5}}, {{"prune", false}, {"support_op", "fc2"}}});
  CHECK(level.rules_as_run() == level.rules().to_value());  // nothing is read yet
  level(net);
  CHECK(level.rules_as_run() == Value{Value::map({{"support_type", {"default"}},
                                                  {"masked_weights", "train"},
                                                  {"granularity", "element"},
                                                  {"scope", "layer"},
                                                  {"sparsity", 0.5},
                                                  {"start_epoch", 0},
                                                  {"frequency", 16}}),
                                      Value::map({{"prune", false}, {"support_op", "fc2"}})});

  for (const char* text :
       {"AGPruner: {config: [{final_sparsity: 0.6, end_epoch: 4}]}",
        "tfAGPruner: {config: [{final_sparsity: 0.6, end_step: 9, unit: step, frequency: 2, "
        "support_type: Conv2d}, {final_sparsity: 0.6, end_epoch: 9, masked_weights: freeze, "
        "op_types: default, op_names: fc1}, {exclude: True, support_op: conv2}]}",
        "LevelPruner: {config: [{sparsity: 0.3, frequency: once}]}",
        "LevelPruner: {config: [{granularity: 2:4}, {sparsity: 0.3, scope: global, granularity: "
        "{block: [2, 4]}, support_op: fc1}]}",
        "AGPruner: {config: [{granularity: 2:4, start_epoch: 3}]}",
        "SensitivityPruner: {config: [{sensitivity: 0.3, end_epoch: 6}, {sparsity: 0.4, "
        "support_op: fc1}]}",
        "LevelPruner: {config: [{sparsity: 0.3}]}\nAGPruner: {config: [{final_sparsity: 0.6, "
        "end_epoch: 4, support_op: fc1}]}"}) {
    INFO(text);
    const Registry registry = Registry::with_builtin();
    // As a program would: written to a file and read from it.
    auto made = registry.make_all(parse_yaml(text, "f"));
    std::vector<nn::Sequential> nets(made.size() * 2);
    for (nn::Sequential& each : nets) each = four_layers();
    for (size_t i = 0; i < made.size(); ++i) (*made[i])(nets[i]);
    const Value as_run = sections_as_run(made);
    auto again = registry.make_all(parse_yaml(to_yaml(as_run), "again"));
    REQUIRE(again.size() == made.size());
    for (size_t i = 0; i < made.size(); ++i) {
      (*again[i])(nets[made.size() + i]);
      CHECK(layers_of(*again[i]) == layers_of(*made[i]));
      const auto ends = made[i]->schedule_ends(1, 2), same_ends = again[i]->schedule_ends(1, 2);
      REQUIRE(ends.size() == same_ends.size());
      for (size_t end = 0; end < ends.size(); ++end) {
        CHECK(same_ends[end].epochs == ends[end].epochs);
        CHECK(same_ends[end].reached == ends[end].reached);
      }
    }
    CHECK(sections_as_run(again) == as_run);
  }
}
