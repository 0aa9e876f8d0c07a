#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/sparsity.h"
#include "espalier/nn/io/safetensors.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/adamw.h"
#include "espalier/nn/optim/rmsprop.h"
#include "espalier/nn/optim/sgd.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

namespace {

nn::Sequential small_net() {
  nn::Sequential net;
  net.add("conv1", nn::Conv2d({.in = 1, .out = 4, .kernel = 3}))
      .add("relu", nn::ReLU())
      .add("flatten", nn::Flatten())
      .add("fc1", nn::Linear({.in = 64, .out = 10}))
      .add("fc2", nn::Linear({.in = 10, .out = 3}));
  nn::initialise(net, 5);
  return net;
}

/// One ordinary training step, as any user would write it.
void train_step(nn::Module& net, nn::Optimizer& optimizer, uint64_t seed) {
  optimizer.zero_grad();
  nn::cross_entropy(net(normal({6, 6, 6, 1}, seed)), {0, 1, 2, 0, 1, 2}).backward();
  optimizer.step();
}

nn::Parameter& weight(nn::Module& net, const std::string& layer) {
  for (const auto& named : net.parameters()) {
    if (named.layer == layer && named.parameter->name() == "weight") return *named.parameter;
  }
  throw Error("test", "no layer " + layer);
}

double sparsity(nn::Module& net, const std::string& layer) {
  for (const LayerSparsity& each : layer_sparsities(net)) {
    if (each.layer == layer) return each.sparsity();
  }
  throw Error("test", "no layer " + layer);
}

int64_t zeros(const Tensor& x) {
  return std::count(x.values().begin(), x.values().end(), 0.0f);
}

/// A designer's class, as short as it gets: keeps the rows whose sum of magnitudes is largest.
class TopRows : public Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
    ++calls;
    const int64_t rows = layer.shape[0], columns = weight.size() / rows;
    return Tensor::generate(layer.shape,
                            [&](int64_t i) { return i / columns < (rows + 1) / 2 ? 1.0f : 0.0f; });
  }
  int calls = 0;
};

}  // namespace

TEST_CASE("equation 1: the whole curve") {
  const AGPruner::CubicSchedule schedule{0.0, 0.9, 0, 10, 1};
  const double expected[] = {0, .268, .477, .633, .746, .821, .867, .890, .899, .900};
  for (int epoch = 0; epoch < 10; ++epoch) {
    CHECK(schedule.sparsity_at(epoch) == Approx(expected[epoch]).margin(5e-4));
    // s_f + (s_i − s_f)(1 − t/9)³
    CHECK(schedule.sparsity_at(epoch) ==
          Approx(0.9 - 0.9 * std::pow(1 - epoch / 9.0, 3)).margin(1e-12));
  }
  CHECK(schedule.sparsity_at(9) == 0.9);
  CHECK(schedule.sparsity_at(1000) == 0.9);
}

TEST_CASE("equation 1: spans, frequencies and edges") {
  const AGPruner::CubicSchedule late{0.05, 0.8, 5, 16,
                                     2};  // updates at 5, 7, 9, 11, 13, 15: nΔt = 10
  CHECK(late.updates() == 6);
  CHECK(late.sparsity_at(4) == 0);  // dense before the start, also with an initial sparsity
  CHECK(late.sparsity_at(5) == Approx(0.05));
  CHECK(late.sparsity_at(6) == late.sparsity_at(5));
  CHECK(late.sparsity_at(9) == Approx(0.8 - 0.75 * std::pow(1 - 4.0 / 10, 3)));
  CHECK(late.sparsity_at(14) < 0.8);
  CHECK(late.sparsity_at(15) == 0.8);
  const AGPruner::CubicSchedule uneven{0, 0.5, 0, 10, 4};  // 0, 4, 8: ⌊9/4⌋·4 = 8
  CHECK(uneven.sparsity_at(8) == 0.5);
  CHECK(uneven.sparsity_at(4) == Approx(0.5 - 0.5 * 0.125));
  const AGPruner::CubicSchedule at_once{0.2, 0.7, 3, 4, 1};
  CHECK(at_once.sparsity_at(2) == 0);
  CHECK(at_once.sparsity_at(3) == 0.7);
  const AGPruner::CubicSchedule coarse{0.2, 0.7, 3, 10, 100};
  CHECK(coarse.sparsity_at(3) == 0.7);
}

TEST_CASE("exact counts and ties by position") {
  const Tensor equal = Tensor::full({3, 7}, -2);
  const Tensor mask = mask_smallest(equal, 5);
  for (int64_t i = 0; i < 21; ++i) CHECK(mask[i] == (i < 5 ? 0.0f : 1.0f));
  const Tensor mixed = Tensor::from({6}, {0.5f, -0.1f, 0.1f, 0, -0.0f, 3});
  CHECK(doubles(mask_smallest(mixed, 3)) == std::vector<double>{1, 0, 1, 0, 0, 1});
  CHECK(zeros(mask_smallest(mixed, 0)) == 0);
  CHECK(zeros(mask_smallest(mixed, 6)) == 6);
  CHECK_THROWS_WITH(mask_smallest(mixed, 7), Catch::Contains("7 of 6"));
  CHECK(masked_count(0.5, 5) == 3);  // 2.5 is rounded up
  CHECK(masked_count(0.9, 400'000) == 360'000);
  for (int64_t n : {1, 7, 99, 1000}) {
    for (double s : {0.0, 0.1, 0.333, 0.5, 0.95}) {
      CHECK(zeros(mask_smallest(normal({n}, 3), masked_count(s, n))) == masked_count(s, n));
    }
  }
}

TEST_CASE("the one line of the README") {
  nn::Sequential net = small_net();
  LevelPruner pruner({{{"sparsity", 0.8}, {"support_type", "default"}}});
  pruner(net);
  CHECK(pruner.layers().size() == 3);
  CHECK(sparsity(net, "fc1") == Approx(0.8));
}

TEST_CASE("Level in an unchanged training loop: the mask follows the weights") {
  nn::Sequential net = small_net();
  LevelPruner pruner({{{"sparsity", 0.75}}});
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.5, .momentum = 0.9, .weight_decay = 1e-3});
  const LayerInfo& fc1 = pruner.layers()[1];
  std::vector<Mask> masks{pruner.mask(fc1)};
  std::vector<int> changes;
  for (int step = 0; step < 70; ++step) {
    train_step(net, sgd, static_cast<uint64_t>(step));
    if (pruner.mask(fc1) == masks.back()) continue;
    masks.push_back(pruner.mask(fc1));
    changes.push_back(step);
  }
  // Updates 16, 32, 48, 64 are noticed in the forward of the step behind.
  CHECK(changes == std::vector<int>{16, 32, 48, 64});
  bool revived = false;
  for (int64_t i = 0; i < masks[0].size(); ++i)
    revived = revived || (!masks[0][i] && masks.back()[i]);
  CHECK(revived);
  CHECK(masks.back().masked() == 480);
  CHECK(zeros(weight(net, "fc1").effective_value()) == 480);
}

TEST_CASE("Level trains masked weights with the dense gradient") {
  nn::Sequential net = small_net();
  LevelPruner pruner({{{"sparsity", 0.75}, {"frequency", 1'000'000}}});
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.1});
  sgd.zero_grad();
  nn::cross_entropy(net(normal({6, 6, 6, 1}, 1)), {0, 1, 2, 0, 1, 2}).backward();
  const Mask& mask = pruner.mask(pruner.layers()[1]);
  int64_t moving = 0;
  for (int64_t i = 0; i < mask.size(); ++i)
    moving += !mask[i] && weight(net, "fc1").gradient()[i] != 0.0f;
  CHECK(moving > 100);  // the rest has an input that was never positive
}

TEST_CASE("Level once masks a trained network and stays") {
  nn::Sequential net = small_net();
  LevelPruner pruner({{{"sparsity", 0.5}, {"frequency", "once"}, {"masked_weights", "zero"}}});
  pruner(net);
  const Mask first = pruner.mask(pruner.layers()[0]);
  nn::SGD sgd(net, {.lr = 0.5, .momentum = 0.9});
  for (int step = 0; step < 40; ++step) train_step(net, sgd, static_cast<uint64_t>(step));
  CHECK(pruner.mask(pruner.layers()[0]) == first);
}

TEST_CASE("AGP follows its epochs in a plain loop") {
  nn::Sequential net = small_net();
  AGPruner pruner({{{"initial_sparsity", 0.0},
                    {"final_sparsity", 0.9},
                    {"start_epoch", 0},
                    {"end_epoch", 10},
                    {"frequency", 1},
                    {"support_type", "default"}}});
  pruner(net);
  nn::Adam adam(net, {.lr = 0.01});
  const AGPruner::CubicSchedule schedule{0, 0.9, 0, 10, 1};
  for (int epoch = 0; epoch < 12; ++epoch) {
    pruner.update_epoch(epoch);
    for (int step = 0; step < 3; ++step)
      train_step(net, adam, static_cast<uint64_t>(epoch * 3 + step));
    for (const LayerInfo& layer : pruner.layers()) {
      CHECK(pruner.mask(layer).masked() ==
            masked_count(schedule.sparsity_at(epoch), layer.shape.elements()));
      CHECK(zeros(weight(net, layer.name).effective_value()) == pruner.mask(layer).masked());
    }
  }
}

TEST_CASE("AGP by step counts optimizer updates, or step() where it is called") {
  for (bool calls_step : {false, true}) {
    nn::Sequential net = small_net();
    AGPruner pruner(
        {{{"final_sparsity", 0.8}, {"unit", "step"}, {"start_step", 2}, {"end_step", 7}}});
    pruner(net);
    nn::SGD sgd(net, {.lr = 0.01});
    const AGPruner::CubicSchedule schedule{0, 0.8, 2, 7, 1};
    for (int step = 0; step < 10; ++step) {
      train_step(net, sgd, static_cast<uint64_t>(step));
      CHECK(pruner.mask(pruner.layers()[1]).masked() ==
            masked_count(schedule.sparsity_at(step), 640));
      if (calls_step) pruner.step();
    }
  }
}

TEST_CASE("step() is the clock where it is called: two updates can be one step") {
  nn::Sequential net = small_net();
  AGPruner pruner({{{"final_sparsity", 0.8}, {"unit", "step"}, {"end_step", 5}}});
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.01});
  for (int i = 0; i < 6; ++i) {
    train_step(net, sgd, 1);
    if (i % 2) pruner.step();
  }
  train_step(net, sgd, 1);
  CHECK(pruner.updates() == 3);
}

TEST_CASE("zero: pruned weights stay exactly 0.0 under momentum, decay and Adam") {
  const std::string path = "/tmp/espalier_pruned_" + std::to_string(getpid()) + ".safetensors";
  for (const char* which : {"SGD", "Nesterov", "Adam"}) {
    INFO(which);
    nn::Sequential net = small_net();
    std::unique_ptr<nn::Optimizer> optimizer;
    if (which == std::string("Adam")) {
      optimizer =
          std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01, .weight_decay = 1e-3});
    } else {
      optimizer = std::make_unique<nn::SGD>(
          net, nn::SGD::Options{.lr = 0.1,
                                .momentum = 0.9,
                                .weight_decay = 1e-3,
                                .nesterov = which == std::string("Nesterov")});
    }
    AGPruner pruner({{{"final_sparsity", 0.9}, {"start_epoch", 1}, {"end_epoch", 4}}});
    pruner(net);
    for (int epoch = 0; epoch < 6; ++epoch) {
      pruner.update_epoch(epoch);
      for (int step = 0; step < 40; ++step)
        train_step(net, *optimizer, static_cast<uint64_t>(step));
    }
    nn::save_weights(net, path);
    const nn::Safetensors saved = nn::read_safetensors(path);
    for (const auto& [name, tensor] : saved.tensors) {
      if (name.ends_with("weight")) CHECK(zeros(tensor) == masked_count(0.9, tensor.size()));
      if (name.ends_with("bias")) CHECK(zeros(tensor) == 0);
      for (float value : tensor.values()) REQUIRE_FALSE((value == 0.0f && std::signbit(value)));
    }
    // Not only what is saved: the stored values too. Without the mask they show.
    for (const LayerInfo& layer : pruner.layers())
      layer.parameter->detach(nn::WeightTransform::Stage::mask);
    for (const LayerInfo& layer : pruner.layers()) {
      CHECK(zeros(layer.parameter->effective_value()) == masked_count(0.9, layer.shape.elements()));
    }
  }
  std::remove(path.c_str());
}

TEST_CASE("freeze: a masked weight keeps its value, whatever the optimizer does") {
  for (bool adam : {false, true}) {
    nn::Sequential net = small_net();
    LevelPruner pruner({{{"sparsity", 0.5}, {"frequency", "once"}, {"masked_weights", "freeze"}}});
    std::unique_ptr<nn::Optimizer> optimizer;
    if (adam)
      optimizer =
          std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01, .weight_decay = 0.1});
    else
      optimizer = std::make_unique<nn::SGD>(
          net, nn::SGD::Options{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1});
    for (int step = 0; step < 5; ++step) train_step(net, *optimizer, 1);  // builds up momentum
    const Tensor before = Tensor::from({10, 64}, weight(net, "fc1").effective_value().values());
    pruner(net);
    for (int step = 0; step < 30; ++step) train_step(net, *optimizer, static_cast<uint64_t>(step));
    const Mask mask = pruner.mask(pruner.layers()[1]);
    weight(net, "fc1").detach(nn::WeightTransform::Stage::mask);
    const Tensor after = weight(net, "fc1").effective_value();
    int64_t moved = 0;
    for (int64_t i = 0; i < mask.size(); ++i) {
      if (!mask[i]) REQUIRE(after[i] == before[i]);
      moved += mask[i] && after[i] != before[i];
    }
    CHECK(moved > 300);
  }
}

TEST_CASE("a custom pruner without rules and without registration works on all weights") {
  nn::Sequential net = small_net();
  TopRows pruner;
  pruner(net);
  CHECK(pruner.layers().size() == 3);
  CHECK(pruner.calls == 3);
  CHECK(sparsity(net, "fc1") == 0.5);
  nn::SGD sgd(net, {.lr = 0.1});
  train_step(net, sgd, 1);
  train_step(net, sgd, 2);
  CHECK(pruner.calls == 3);  // nothing asked for a new mask
  pruner.update_epoch(1);
  CHECK(pruner.calls == 3);  // and then only the next training forward computes it
  net.eval();
  net(normal({1, 6, 6, 1}, 1));
  CHECK(pruner.calls == 3);
  net.train();
  train_step(net, sgd, 3);
  CHECK(pruner.calls == 6);
}

TEST_CASE("hooks are called in order: preprocess_model once, before layers are matched") {
  struct Recorder : Pruner {
    std::string calls;
    void preprocess_model(nn::Module& model) override {
      calls += "p" + std::to_string(layers().size());
      dynamic_cast<nn::Sequential&>(model).add("fc3", nn::Linear({.in = 3, .out = 2}));
    }
    Tensor calc_mask(const LayerInfo&, const Tensor& w) override {
      calls += "c";
      return Tensor::full(w.shape(), 1);
    }
    void step() override {
      calls += "s";
      request_refresh();
    }
    void update_epoch(int epoch) override { calls += "e" + std::to_string(epoch); }
  } pruner;
  nn::Sequential net = small_net();
  pruner(net);
  CHECK(pruner.calls == "p0cccc");
  pruner.update_epoch(4);
  pruner.step();
  net(normal({1, 6, 6, 1}, 1));
  CHECK(pruner.calls == "p0cccce4scccc");
}

TEST_CASE("wrong masks are errors that name the layer") {
  struct Wrong : Pruner {
    explicit Wrong(float v, Shape s = {}) : value(v), shape(s) {}
    Tensor calc_mask(const LayerInfo& layer, const Tensor&) override {
      return Tensor::full(shape.axes() ? shape : layer.shape, value);
    }
    float value;
    Shape shape;
  };
  nn::Sequential a = small_net(), b = small_net();
  Wrong half(0.5f), shape(1, {2, 2});
  CHECK_THROWS_WITH(half(a), Catch::Contains("'conv1'") && Catch::Contains("zeros and ones"));
  CHECK_THROWS_WITH(shape(b), Catch::Contains("'conv1'") && Catch::Contains("2×2"));
}

TEST_CASE("masks act when layers are run one by one, and when the net was moved into another") {
  nn::Sequential net = small_net();
  AGPruner pruner({{{"final_sparsity", 0.6}, {"end_epoch", 1}, {"start_epoch", 0}}});
  pruner(net);
  pruner.update_epoch(0);
  nn::Sequential outer;
  outer.add("net", std::move(net));
  outer(normal({1, 6, 6, 1}, 1));
  CHECK(sparsity(outer, "net.fc1") == Approx(0.6));

  nn::Sequential parts = small_net();
  AGPruner other({{{"final_sparsity", 0.6}, {"start_epoch", 2}, {"end_epoch", 3}}});
  other(parts);
  other.update_epoch(2);
  CHECK(sparsity(parts, "conv1") == 0);
  parts[0](normal({1, 6, 6, 1}, 1));
  CHECK(sparsity(parts, "conv1") == Approx(0.6).margin(0.02));
}

TEST_CASE("pruner and model may go in any order") {
  auto net = std::make_unique<nn::Sequential>(small_net());
  {
    LevelPruner pruner({{{"sparsity", 0.5}}});
    pruner(*net);
    CHECK_THROWS_WITH(pruner(*net), Catch::Contains("attached"));
  }
  CHECK(sparsity(*net, "fc1") == 0.5);  // what was attached stays
  nn::SGD sgd(*net, {.lr = 0.1});
  train_step(*net, sgd, 1);
  auto pruner = std::make_unique<LevelPruner>(Rules{{{"sparsity", 0.5}}});
  nn::Sequential second = small_net();
  {
    nn::Sequential gone = std::move(second);
    (*pruner)(gone);
  }
  pruner.reset();
}

TEST_CASE("Level is dense before its start, and waits for it aloud") {
  nn::Sequential net = small_net();
  LevelPruner pruner({{{"sparsity", 0.5}, {"start_epoch", 2}, {"frequency", 2}}});
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.1});
  for (int epoch = 0; epoch < 4; ++epoch) {
    pruner.update_epoch(epoch);
    for (uint64_t step = 0; step < 3; ++step) train_step(net, sgd, step);
    CHECK(sparsity(net, "fc1") == (epoch < 2 ? 0 : 0.5));
  }
  for (const int64_t start : {0, 1}) {
    std::vector<std::string> warnings;
    Engine engine({.on_warning = [&](const std::string& text) { warnings.push_back(text); }});
    EngineScope scope(engine);
    nn::Sequential other = small_net();
    LevelPruner silent({{{"sparsity", 0.5}, {"start_epoch", start}}});
    silent(other);
    for (int step = 0; step < 1000; ++step) silent.step();
    other(normal({1, 6, 6, 1}, 1));
    REQUIRE(static_cast<int64_t>(warnings.size()) == start);
    if (start == 1) CHECK_THAT(warnings[0], Catch::Contains("[LevelPruner] 1000 updates"));
  }
}

TEST_CASE("of two pruners on a layer each must keep a weight, under every optimizer") {
  for (const int kind : {0, 1, 2, 3}) {
    for (const bool agp_first : {true, false}) {
      for (const char* policy : {"train", "freeze", "zero"}) {
        INFO(kind << agp_first << policy);
        nn::Sequential net = small_net();
        std::unique_ptr<nn::Optimizer> optimizer;
        if (kind == 0)
          optimizer = std::make_unique<nn::SGD>(
              net, nn::SGD::Options{.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
        if (kind == 1)
          optimizer =
              std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01, .weight_decay = 1e-3});
        if (kind == 2) optimizer = std::make_unique<nn::AdamW>(net, nn::AdamW::Options{.lr = 0.01});
        if (kind == 3)
          optimizer = std::make_unique<nn::RMSprop>(
              net, nn::RMSprop::Options{.lr = 0.001, .momentum = 0.9, .weight_decay = 1e-3});
        AGPruner agp({{{"final_sparsity", 0.6}, {"start_epoch", 1}, {"end_epoch", 4}}});
        LevelPruner level({{{"granularity", "2:4"},
                            {"masked_weights", policy},
                            {"frequency", 3},
                            {"op_names", "*"}}});
        if (agp_first) agp(net);
        level(net);
        if (!agp_first) agp(net);
        for (int epoch = 0; epoch < 6; ++epoch) {
          agp.update_epoch(epoch);
          for (uint64_t step = 0; step < 5; ++step) train_step(net, *optimizer, step);
        }
        for (size_t i = 0; i < agp.layers().size(); ++i) {
          nn::Parameter& parameter = *agp.layers()[i].parameter;
          const Mask &a = agp.mask(agp.layers()[i]), &b = level.mask(level.layers()[i]);
          CHECK(a.masked() == masked_count(0.6, a.size()));
          const Tensor value = parameter.effective_value();
          int64_t kept = 0;
          for (int64_t at = 0; at < value.size(); ++at) {
            REQUIRE((value[at] == 0.0f) == !(a[at] && b[at]));
            kept += value[at] != 0.0f;
          }
          CHECK(kept > 0);
          // The stored value: zero where a pruner has zeroed it, whatever the other lets through.
          parameter.detach(nn::WeightTransform::Stage::mask);
          const Tensor stored = parameter.effective_value();
          for (int64_t at = 0; at < value.size(); ++at) {
            const bool zeroed = !a[at] || (!b[at] && policy == std::string("zero"));
            REQUIRE((stored[at] == 0.0f) == zeroed);
          }
        }
      }
    }
  }
}

TEST_CASE("what either of two pruners has frozen keeps its value") {
  nn::Sequential net = small_net();
  const auto rules = [](const char* pattern) {
    return Rules{{{"granularity", pattern}, {"frequency", "once"}, {"masked_weights", "freeze"}}};
  };
  LevelPruner a(rules("3:4"));
  LevelPruner b(rules("1:2"));
  a(net);
  b(net);
  nn::Parameter& parameter = weight(net, "fc1");
  const Mask trainable = parameter.trainable();
  CHECK(trainable.masked() == 320);  // what 3:4 masks is the smaller of its pair too
  const auto stored = [&] {
    nn::Sequential bare = small_net();
    return weight(bare, "fc1").effective_value();
  };
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  for (uint64_t step = 0; step < 10; ++step) train_step(net, sgd, step);
  parameter.detach(nn::WeightTransform::Stage::mask);
  const Tensor before = stored(), after = parameter.effective_value();
  int64_t moved = 0;
  for (int64_t i = 0; i < trainable.size(); ++i) {
    if (!trainable[i]) REQUIRE(after[i] == before[i]);
    moved += after[i] != before[i];
  }
  CHECK(moved > 250);
}

TEST_CASE("rules choose layers") {
  const auto matched = [](Rules rules) {
    nn::Sequential net = small_net();
    TopRows pruner(std::move(rules));
    pruner(net);
    std::string names;
    for (const LayerInfo& layer : pruner.layers())
      names += layer.name + std::to_string(layer.rule) + " ";
    return names;
  };
  CHECK(matched({}) == "conv10 fc10 fc20 ");
  CHECK(matched({{{"support_type", "default"}}}) == "conv10 fc10 fc20 ");
  CHECK(matched({{{"support_type", {"Linear"}}}}) == "fc10 fc20 ");
  CHECK(matched({{{"support_layer", "Linear"}, {"support_op", "conv1"}}}) ==
        "conv10 fc10 fc20 ");                                                             // either
  CHECK(matched({{{"op_types", "Linear"}, {"op_names", {"conv1", "fc2"}}}}) == "fc20 ");  // both
  CHECK(matched({{{"support_type", "default"}}, {{"support_op", "fc1"}}}) ==
        "conv10 fc11 fc20 ");  // later rule
  CHECK(matched({{{"support_type", "default"}}, {{"prune", false}, {"support_op", "fc1"}}}) ==
        "conv10 fc20 ");
  CHECK(matched({{{"support_type", "default"}}, {{"exclude", true}, {"support_type", "Linear"}}}) ==
        "conv10 ");
  CHECK_THROWS_WITH(matched({{{"support_op", "fc3"}}}),
                    Catch::Contains("'fc3'") && Catch::Contains("did you mean"));
  CHECK_THROWS_WITH(matched({{{"support_type", "Conv2D"}}}),
                    Catch::Contains("did you mean 'Conv2d'"));
  CHECK_THROWS_WITH(matched({{{"support_type", "Linear"}, {"op_names", "fc1"}}}),
                    Catch::Contains("one spelling"));
  CHECK_THROWS_WITH(matched({{{"op_types", "Conv2d"}, {"op_names", "fc1"}}}),
                    Catch::Contains("matches no layer"));
  CHECK_THROWS_WITH(matched({{{"sparsty", 1}}}), Catch::Contains("unknown key"));
  CHECK_THROWS_WITH(matched({{{"masked_weights", "melt"}}}), Catch::Contains("masked_weights"));
}

TEST_CASE("options out of range are configuration errors") {
  const auto level = [](Rules rules) {
    nn::Sequential net = small_net();
    LevelPruner pruner(std::move(rules));
    pruner(net);
  };
  const auto agp = [](Rules rules) {
    nn::Sequential net = small_net();
    AGPruner pruner(std::move(rules));
    pruner(net);
  };
  CHECK_THROWS_AS(level({{{"sparsity", 1.5}}}), ConfigError);
  CHECK_THROWS_AS(level({{{"sparsity", -0.1}}}), ConfigError);
  CHECK_THROWS_AS(level({}), ConfigError);
  CHECK_THROWS_WITH(level({{{"sparsity", 0.5}, {"frequency", 0}}}), Catch::Contains("frequency"));
  CHECK_THROWS_WITH(level({{{"sparsity", 0.5}, {"frequency", "twice"}}}),
                    Catch::Contains("'once'"));
  CHECK_THROWS_WITH(agp({{{"final_sparsity", 0.5}}}), Catch::Contains("end_epoch"));
  CHECK_THROWS_WITH(agp({{{"final_sparsity", 0.5}, {"start_epoch", 4}, {"end_epoch", 4}}}),
                    Catch::Contains("after start_epoch"));
  CHECK_THROWS_WITH(agp({{{"initial_sparsity", 0.6}, {"final_sparsity", 0.5}, {"end_epoch", 4}}}),
                    Catch::Contains("below initial_sparsity"));
  CHECK_THROWS_WITH(agp({{{"final_sparsity", 0.5}, {"end_step", 4}}}),
                    Catch::Contains("end_epoch"));
  CHECK_THROWS_WITH(agp({{{"final_sparsity", 0.5}, {"end_epoch", 4}, {"frequency", -1}}}),
                    Catch::Contains("frequency"));
}

TEST_CASE("the registry makes algorithms from a configuration") {
  Registry registry = Registry::with_builtin();
  Value rule = Value::map({{"final_sparsity", 0.5}, {"end_epoch", 3}});
  const auto made = registry.make_all(
      Value::map({{"AGPruner", Value::map({{"config", Value(Value::List{rule})}})}}));
  REQUIRE(made.size() == 1);
  CHECK(made[0]->name() == "AGPruner");
  nn::Sequential net = small_net();
  (*made[0])(net);
  CHECK(made[0]->layers().size() == 3);
  CHECK_THROWS_WITH(registry.make_all(Value::map({{"AGPPruner", Value()}})),
                    Catch::Contains("did you mean 'AGPruner'"));
  CHECK_THROWS_WITH(registry.make_all(Value::map({{"AGPruner", Value::map({{"cofig", 1}})}})),
                    Catch::Contains("cofig"));
  registry.add<TopRows>("TopRows", "keeps the upper half");
  CHECK(registry.make_all(Value::map({{"TopRows", Value()}})).size() == 1);
  CHECK_THROWS_WITH(registry.add<TopRows>("TopRows", ""), Catch::Contains("already"));
}
