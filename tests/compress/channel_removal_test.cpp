#include "espalier/compress/structure/channel_removal.h"

#include <catch2/catch.hpp>

#include <functional>
#include <map>

#include "espalier/autograd/core/engine.h"
#include "espalier/compress/mask_transform.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/keep_indices.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/adamw.h"
#include "espalier/nn/optim/rmsprop.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

using Indices = std::vector<int64_t>;
using MakeOptimizer = std::function<std::unique_ptr<nn::Optimizer>(nn::Module&)>;

std::unique_ptr<nn::Optimizer> sgd(nn::Module& model) {
  return std::make_unique<nn::SGD>(
      model, nn::SGD::Options{.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-3});
}

void train_step(nn::Module& net, nn::Optimizer& optimizer, const Shape& sample, uint64_t seed) {
  net.train();
  optimizer.zero_grad();
  nn::cross_entropy(net(test::normal({4, sample[0], sample[1], sample[2]}, seed)), {0, 1, 2, 0})
      .backward();
  optimizer.step();
}

/// Masks every third channel of each group that may lose channels, as a pruner would.
void mask_thirds(nn::Module& net, const Shape& sample) {
  const ChannelGroups groups(Graph::of(net, sample));
  std::map<nn::Parameter*, std::vector<float>> masks;
  for (const ChannelGroup& group : groups.all()) {
    if (!group.pinned.empty()) continue;
    for (const ChannelMember& member : group.members) {
      if (!member.parameter || member.part == ChannelMember::Part::inputs) continue;
      auto& mask = masks[member.parameter];
      const int64_t size = member.parameter->size();
      if (mask.empty()) mask.assign(static_cast<size_t>(size), 1.0f);
      const int64_t row = size / member.parameter->shape()[0];
      for (int64_t c = 1; c < group.channels; c += 3) {
        for (const int64_t index : member.indices[static_cast<size_t>(c)])
          std::fill_n(mask.begin() + index * row, row, 0.0f);
      }
    }
  }
  for (auto& [parameter, values] : masks) {
    auto mask = std::make_shared<MaskTransform>(parameter->shape(), MaskedWeights::zero, "Thirds");
    const Tensor kept = Tensor::from(parameter->shape(), values);
    mask->set_mask(Mask::from(kept));
    parameter->attach(mask);
    // The policy `zero`: values and moments of masked entries are zeroed when the mask changes.
    parameter->load(multiply(parameter->effective_value(), kept));
  }
}

/// A network with two branches side by side and a residual block behind them.
nn::Sequential branches(int64_t left, int64_t right, int64_t inside) {
  const int64_t both = left + right;
  nn::Concat concat;
  concat.add("left", nn::Conv2d({.in = 2, .out = left, .kernel = 3, .padding = 1}))
      .add("right", nn::Conv2d({.in = 2, .out = right, .kernel = 1}));
  nn::Residual block;
  block.add("conv1", nn::Conv2d({.in = both, .out = inside, .kernel = 3, .padding = 1}))
      .add("bn1", nn::BatchNorm2d({.channels = inside}))
      .add("relu1", nn::ReLU())
      .add("conv2", nn::Conv2d({.in = inside, .out = both, .kernel = 1}));
  nn::Sequential net;
  net.add("both", std::move(concat))
      .add("bn", nn::BatchNorm2d({.channels = both}))
      .add("relu", nn::ReLU())
      .add("block", std::move(block))
      .add("pool", nn::MaxPool2d({.kernel = 2}))
      .add("flatten", nn::Flatten())
      .add("fc", nn::Linear({.in = both * 9, .out = 3}));
  return net;
}

const Shape branch_sample{6, 6, 2};

Tensor answers(nn::Module& net, const Shape& sample) {
  net.eval();
  return net(test::normal({3, sample[0], sample[1], sample[2]}, 99)).detach();
}

double difference(const Tensor& a, const Tensor& b) {
  double most = 0, largest = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(double{a[i]} - double{b[i]}));
    largest = std::max(largest, std::abs(double{a[i]}));
  }
  return most / largest;
}

}  // namespace

TEST_CASE("keep_indices: of each axis, by hand") {
  const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(test::doubles(nn::keep_indices(x, 1, Indices{0, 2})) == std::vector<double>{1, 3, 4, 6});
  CHECK(test::doubles(nn::keep_indices(x, 0, Indices{1})) == std::vector<double>{4, 5, 6});
  const Mask mask = Mask::from(Tensor::from({2, 2}, {1, 0, 0, 1}));
  CHECK(nn::keep_indices(mask, 1, Indices{1}) == Mask::from(Tensor::from({2, 1}, {0, 1})));
  CHECK_THROWS_WITH(nn::keep_indices(x, 2, Indices{0}), Catch::Contains("has no axis 2"));
  CHECK_THROWS_WITH(nn::keep_indices(x, 1, Indices{3}), Catch::Contains("no index 3"));
}

TEST_CASE("channel removal: the masked and the removed network give the same outputs") {
  struct Case {
    std::string name;
    nn::Sequential net;
    Shape sample;
  };
  std::vector<Case> cases;
  for (const char* name : {"lenet5", "vggsmall", "resnet20", "resnet56", "mobilenet"})
    cases.push_back({name, nn::named_model(name).make(), nn::named_model(name).sample});
  cases.push_back({"branches", branches(4, 5, 6), branch_sample});
  for (const bool reference : {false, true}) {
    KernelPlan& plan = Engine::current().plan();
    for (const char* operation : {"conv2d.forward", "matmul"}) {
      if (reference) plan.choose(operation, "reference");
    }
    for (Case& each : cases) {
      INFO(each.name << (reference ? ", reference kernels" : ", fast kernels"));
      nn::Sequential& net = each.net;
      if (!reference) {
        nn::initialise(net, 3);
        const auto optimizer = sgd(net);
        for (uint64_t i = 0; i < 3; ++i) train_step(net, *optimizer, each.sample, i);
        mask_thirds(net, each.sample);
      } else {
        mask_thirds(net, each.sample);  // again, of what is left
      }
      const Tensor before = answers(net, each.sample);
      const int64_t parameters = net.parameter_count();
      const auto removed = remove_dead_channels(
          net, each.sample, {.masked_only = true, .tolerance = reference ? 1e-5 : 1e-4});
      CHECK(removed.size() >= 2);
      for (const RemovedChannels& group : removed)
        CHECK(group.after == group.before - (group.before + 1) / 3);
      CHECK(net.parameter_count() < 0.7 * parameters);
      CHECK(difference(before, answers(net, each.sample)) < (reference ? 1e-5 : 1e-4));
      // What is left has no dead channel.
      CHECK(remove_dead_channels(net, each.sample, {.masked_only = true}).empty());
    }
    Engine::current().plan().clear();
  }
}

TEST_CASE("channel removal: training goes on as in a network that was built small") {
  const std::map<std::string, MakeOptimizer> optimizers{
      {"SGD", sgd},
      {"Adam",
       [](nn::Module& m) {
         return std::make_unique<nn::Adam>(m, nn::Adam::Options{.lr = 0.01, .weight_decay = 1e-3});
       }},
      {"AdamW",
       [](nn::Module& m) {
         return std::make_unique<nn::AdamW>(m, nn::AdamW::Options{.lr = 0.01});
       }},
      {"RMSprop", [](nn::Module& m) {
         return std::make_unique<nn::RMSprop>(m, nn::RMSprop::Options{.lr = 0.001});
       }}};
  for (const auto& [name, make] : optimizers) {
    INFO(name);
    nn::Sequential net = branches(4, 5, 6);
    nn::initialise(net, 3);
    const auto optimizer = make(net);
    for (uint64_t i = 0; i < 3; ++i) train_step(net, *optimizer, branch_sample, i);
    mask_thirds(net, branch_sample);
    for (uint64_t i = 3; i < 6; ++i) train_step(net, *optimizer, branch_sample, i);
    REQUIRE_FALSE(remove_dead_channels(net, branch_sample, {.masked_only = true}).empty());

    // Left has channels 0 2 3, right 0 2 3, the inside of the block 0 2 3 5.
    nn::Sequential small = branches(3, 3, 4);
    const auto its_optimizer = make(small);
    nn::State state;
    auto saving = nn::StateVisitor::saving(state);
    nn::visit_model_state(net, saving);
    optimizer->visit_state(saving);
    auto restoring = nn::StateVisitor::restoring(state);
    nn::visit_model_state(small, restoring);
    its_optimizer->visit_state(restoring);
    restoring.require_all_used();
    for (uint64_t i = 6; i < 10; ++i) {
      train_step(net, *optimizer, branch_sample, i);
      train_step(small, *its_optimizer, branch_sample, i);
    }
    const auto ours = net.parameters(), theirs = small.parameters();
    REQUIRE(ours.size() == theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      INFO(ours[i].path());
      CHECK(test::doubles(ours[i].parameter->effective_value()) ==
            test::doubles(theirs[i].parameter->effective_value()));
    }
  }
}

TEST_CASE("channel removal: gradients, masks and what compressors know are cut with the weights") {
  nn::Sequential net = test::four_layers();
  LevelPruner pruner(Rules{{{"sparsity", 0.5}}});
  pruner(net);
  QATQuantizer quantizer;
  quantizer(net);
  const auto optimizer = sgd(net);
  test::train_four_layers(net, *optimizer, 1);
  mask_thirds(net, {8, 8, 1});
  nn::Parameter& weight = *net.parameters()[2].parameter;  // conv2: 8×3×3×4
  const Tensor gradient = weight.gradient();
  const Mask mask = pruner.mask(pruner.layers()[1]);
  REQUIRE_FALSE(remove_dead_channels(net, {8, 8, 1}, {.masked_only = true}).empty());
  const Indices filters{0, 2, 3, 5, 6}, inputs{0, 2, 3};
  CHECK(weight.shape() == Shape{5, 3, 3, 3});
  CHECK(test::doubles(weight.gradient()) ==
        test::doubles(nn::keep_indices(nn::keep_indices(gradient, 0, filters), 3, inputs)));
  CHECK(pruner.mask(pruner.layers()[1]) ==
        nn::keep_indices(nn::keep_indices(mask, 0, filters), 3, inputs));
  CHECK(pruner.layers()[1].shape == weight.shape());
  CHECK(quantizer.layers()[1].shape == weight.shape());
  quantizer.check_laws();
  for (uint64_t i = 2; i < 20; ++i) test::train_four_layers(net, *optimizer, i);  // masks move on
  CHECK(pruner.mask(pruner.layers()[1]).masked() == (weight.size() + 1) / 2);
}

TEST_CASE("channel removal: a group keeps a channel, and values that happen to be zero may stay") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 3}), nn::ReLU(), nn::Linear({.in = 3, .out = 2})};
  for (const size_t i : {0, 1}) {
    nn::Parameter& parameter = *net.parameters()[i].parameter;
    parameter.load(Tensor::zeros(parameter.shape()));
  }
  CHECK(remove_dead_channels(net, {2}, {.masked_only = true}).empty());
  const auto removed = remove_dead_channels(net, {2});
  REQUIRE(removed.size() == 1);
  CHECK(removed[0].group == "0");
  CHECK(removed[0].before == 3);
  CHECK(removed[0].after == 1);
  CHECK(net.parameters()[2].parameter->shape() == Shape{2, 1});
}

TEST_CASE("channel removal: a convolution in groups loses whole groups") {
  nn::Sequential net{nn::Conv2d({.in = 1, .out = 4, .kernel = 1}),
                     nn::Conv2d({.in = 4, .out = 6, .kernel = 3, .groups = 2}),
                     nn::Conv2d({.in = 6, .out = 2, .kernel = 1})};
  for (const size_t i : {2, 3}) {  // filters 3…5, the second group
    nn::Parameter& parameter = *net.parameters()[i].parameter;
    const int64_t half = parameter.size() / 2;
    const Tensor value = parameter.effective_value();
    parameter.load(
        Tensor::generate(value.shape(), [&](int64_t at) { return at < half ? value[at] : 0.0f; }));
  }
  const auto removed = remove_dead_channels(net, {5, 5, 1});
  REQUIRE(removed.size() == 1);
  CHECK(net.parameters()[0].parameter->shape() == Shape{2, 1, 1, 1});
  CHECK(net.parameters()[2].parameter->shape() == Shape{3, 3, 3, 2});
  CHECK(net.parameters()[4].parameter->shape() == Shape{2, 1, 1, 3});
}

TEST_CASE("fit_channels: to the shapes of a network that has lost channels, or to none") {
  nn::Sequential net = branches(4, 5, 6), small = branches(2, 5, 3);
  std::map<std::string, Shape> shapes;
  for (const nn::NamedParameter& named : small.parameters())
    shapes[named.path()] = named.parameter->shape();
  // The result of the block is added to what goes in, so its filters follow both branches.
  CHECK(fit_channels(net, branch_sample, shapes));
  CHECK_FALSE(fit_channels(net, branch_sample, shapes));
  nn::State state;
  auto saving = nn::StateVisitor::saving(state);
  nn::visit_model_state(small, saving);
  auto restoring = nn::StateVisitor::restoring(state);
  nn::visit_model_state(net, restoring);
  CHECK(test::doubles(answers(net, branch_sample)) == test::doubles(answers(small, branch_sample)));

  shapes["fc.weight"] = Shape{4, 63};
  CHECK_THROWS_WITH(fit_channels(net, branch_sample, shapes), Catch::Contains("of another model"));
}
