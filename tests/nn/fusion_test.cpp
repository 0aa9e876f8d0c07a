// Batch normalisation with what follows in one pass: the same results as layer by layer, and layer
// by layer wherever somebody looks at the values in between.
#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/residual.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

/// Leaves values as they are but counts them: layers may not be fused across it.
class Watcher : public nn::ActivationTransform {
 public:
  std::string_view name() const override { return "watcher"; }
  Tensor apply(const Tensor& x, bool) override {
    ++seen;
    return x;
  }
  int seen = 0;
};

class Listener : public nn::TrainingListener {
 public:
  void before_training_forward() override { ++told; }
  int told = 0;
};

nn::Sequential network(bool projection) {
  const int64_t out = projection ? 6 : 4;
  nn::Residual block;
  block.add("conv1", nn::Conv2d({.in = 4, .out = out, .kernel = 3, .padding = 1}))
      .add("bn1", nn::BatchNorm2d({.channels = out}))
      .add("relu1", nn::ReLU())
      .add("conv2", nn::Conv2d({.in = out, .out = out, .kernel = 3, .padding = 1}))
      .add("bn2", nn::BatchNorm2d({.channels = out}));
  if (projection) {
    block.add_to_shortcut("conv", nn::Conv2d({.in = 4, .out = out, .kernel = 1}))
        .add_to_shortcut("bn", nn::BatchNorm2d({.channels = out}));
  }
  nn::Sequential net;
  net.add("bn0", nn::BatchNorm2d({.channels = 4}))
      .add("relu0", nn::ReLU())
      .add("block", std::move(block))
      .add("relu", nn::ReLU());
  nn::initialise(net, 3);
  return net;
}

/// Number of recorded operations that `y` was computed with.
int operations_behind(const Tensor& y) {
  std::vector<Node*> seen, open{y.graph()->producer.get()};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (!node || std::find(seen.begin(), seen.end(), node) != seen.end()) continue;
    seen.push_back(node);
    for (const auto& input : node->inputs) {
      if (input) open.push_back(input->producer.get());
    }
  }
  return static_cast<int>(seen.size());
}

std::vector<Tensor> results(nn::Sequential& net, const Tensor& x) {
  for (const auto& named : net.parameters()) named.parameter->zero_grad();
  Tensor input = x.detach();
  input.require_grad();
  const Tensor y = net(input);
  sum(multiply(y, normal(y.shape(), 9))).backward();
  std::vector<Tensor> all{y, input.grad()};
  for (const auto& named : net.parameters()) all.push_back(named.parameter->gradient());
  net.for_each_module([&](const std::string&, nn::Module& module) {
    for (const auto& buffer : module.record()->buffers) all.push_back(buffer->value);
  });
  return all;
}

}  // namespace

TEST_CASE("fused and layer by layer, results, gradients and running statistics are the same") {
  const Tensor x = normal({3, 5, 4, 4}, 1);
  for (bool projection : {false, true}) {
    for (bool training : {true, false}) {
      INFO((projection ? "projection" : "identity") << (training ? ", training" : ", evaluation"));
      nn::Sequential fused = network(projection), separate = network(projection);
      const auto watcher = std::make_shared<Watcher>();
      separate.for_each_module(
          [&](const std::string&, nn::Module& module) { module.set_output_transform(watcher); });
      fused.train(training);
      separate.train(training);
      const auto left = results(fused, x), right = results(separate, x);
      CHECK(watcher->seen > 8);
      REQUIRE(left.size() == right.size());
      for (size_t i = 0; i < left.size(); ++i)
        CHECK(largest_difference(left[i].values(), right[i].values()) < 1e-6);
    }
  }
}

TEST_CASE("batch normalisation, sum and ReLU are one operation, unless somebody looks") {
  Tensor x = normal({3, 5, 4, 4}, 1);
  x.require_grad();
  nn::Sequential net = network(false);
  // bn0+relu0, conv1, bn1+relu1, conv2, bn2+sum+relu
  CHECK(operations_behind(net(x)) == 5);

  const auto watcher = std::make_shared<Watcher>();
  net[0].set_output_transform(watcher);
  CHECK(operations_behind(net(x)) == 6);
  net[0].set_output_transform(nullptr);
  net[1].set_input_transform(watcher);
  CHECK(operations_behind(net(x)) == 6);
  net[1].set_input_transform(nullptr);
  net[3].set_output_transform(watcher);  // what is behind the ReLU is there all the same
  watcher->seen = 0;
  CHECK(operations_behind(net(x)) == 5);
  CHECK(watcher->seen == 1);
  net[3].set_output_transform(nullptr);
  net[2].set_output_transform(watcher);
  CHECK(operations_behind(net(x)) == 6);
  net[2].set_output_transform(nullptr);
  nn::Module& bn2 = *net[2].children().back();
  bn2.set_output_transform(watcher);  // neither the sum nor the ReLU
  CHECK(operations_behind(net(x)) == 7);
  bn2.set_output_transform(nullptr);

  Listener listener;
  net[3].record()->listeners.push_back(&listener);
  CHECK(operations_behind(net(x)) == 6);
  CHECK(listener.told == 1);
  net[3].record()->listeners.clear();
  net[2].children().back()->record()->listeners.push_back(&listener);
  CHECK(operations_behind(net(x)) == 5);  // told, and fused all the same
  CHECK(listener.told == 2);
  net[2].children().back()->record()->listeners.clear();
}

TEST_CASE("a trace sees every layer's operation at its place") {
  nn::Sequential net = network(true);
  net.eval();
  NoGrad no_grad;
  Trace trace(normal({2, 3, 3, 4}, 2));
  net(trace.input());
  std::vector<std::string> seen;
  for (const auto& operation : trace.operations())
    seen.push_back(operation.layer + " " + operation.operation);
  CHECK(seen ==
        std::vector<std::string>{"bn0 batch_norm", "relu0 relu", "block.shortcut.conv conv2d",
                                 "block.shortcut.bn batch_norm", "block.conv1 conv2d",
                                 "block.bn1 batch_norm", "block.relu1 relu", "block.conv2 conv2d",
                                 "block.bn2 batch_norm", "block add", "relu relu"});
  CHECK(trace.operations()[9].inputs.size() == 2);
}

TEST_CASE("errors name the layer that is wrong") {
  nn::Sequential net;
  net.add("block", nn::Residual(nn::Sequential{nn::Conv2d({.in = 2, .out = 3, .kernel = 1}),
                                               nn::BatchNorm2d({.channels = 3})}))
      .add("relu", nn::ReLU());
  CHECK_THROWS_WITH(net(Tensor::zeros({2, 3, 3, 2})),
                    "[add] the shapes differ: 2×3×3×3 and 2×3×3×2 (at block)");
  CHECK_THROWS_WITH(net(Tensor::zeros({2, 3, 3, 5})), Catch::Contains("(at block.0)"));

  nn::Residual block;
  CHECK_THROWS_WITH(block(Tensor::zeros({1})), Catch::Contains("no layers"));
  CHECK_THROWS_WITH(block.add("shortcut", nn::ReLU()), Catch::Contains("'shortcut'"));
  CHECK_THROWS_WITH(nn::BatchNorm2d({.channels = 0}), Catch::Contains("at least 1"));
}

TEST_CASE("blocks inside blocks: one sum a pass, and the outer one is not lost") {
  const auto make = [] {
    nn::Residual inner{nn::Sequential{nn::BatchNorm2d({.channels = 2})}};
    return nn::Residual{nn::Sequential{std::move(inner), nn::ReLU()},
                        nn::Sequential{nn::BatchNorm2d({.channels = 2})}};
  };
  const Tensor x = normal({4, 2, 2, 2}, 5);
  nn::Residual block = make();
  nn::BatchNorm2d bn({.channels = 2});
  const Tensor normalised = bn(x);
  CHECK(largest_difference(block(x).values(), add(relu(add(normalised, x)), normalised).values()) <
        1e-6);
  nn::Residual nested{
      nn::Sequential{nn::Residual{nn::Sequential{nn::BatchNorm2d({.channels = 2})}}}};
  nn::Sequential net;
  net.add("nested", std::move(nested)).add("relu", nn::ReLU());
  CHECK(largest_difference(net(x).values(), relu(add(add(normalised, x), x)).values()) < 1e-6);
}

TEST_CASE("containers are built from named layers as well") {
  nn::NamedLayers body, shortcut, branches;
  body.emplace_back(
      "conv", std::make_unique<nn::Conv2d>(nn::Conv2d::Options{.in = 2, .out = 3, .kernel = 1}));
  shortcut.emplace_back(
      "conv", std::make_unique<nn::Conv2d>(nn::Conv2d::Options{.in = 2, .out = 3, .kernel = 1}));
  branches.emplace_back("block",
                        std::make_unique<nn::Residual>(std::move(body), std::move(shortcut)));
  branches.emplace_back("relu", std::make_unique<nn::ReLU>());
  nn::NamedLayers layers;
  layers.emplace_back("join", std::make_unique<nn::Concat>(std::move(branches)));
  nn::Sequential net(std::move(layers));
  CHECK(net(Tensor::zeros({1, 4, 4, 2})).shape() == Shape{1, 4, 4, 5});
  std::vector<std::string> paths;
  for (const auto& named : net.parameters()) paths.push_back(named.path());
  CHECK(paths == std::vector<std::string>{"join.block.shortcut.conv.weight",
                                          "join.block.shortcut.conv.bias", "join.block.conv.weight",
                                          "join.block.conv.bias"});
}

TEST_CASE("initialise restarts batch normalisation") {
  nn::BatchNorm2d bn({.channels = 3});
  bn(normal({5, 3}, 1));
  bn.parameters()[0].parameter->load(Tensor::full({3}, 7));
  const auto& buffers = bn.record()->buffers;
  CHECK(buffers[0]->value[0] != 0.0f);
  nn::initialise(bn, 1);
  CHECK(doubles(bn.parameters()[0].parameter->effective_value()) == std::vector<double>{1, 1, 1});
  CHECK(doubles(bn.parameters()[1].parameter->effective_value()) == std::vector<double>{0, 0, 0});
  CHECK(doubles(buffers[0]->value) == std::vector<double>{0, 0, 0});
  CHECK(doubles(buffers[1]->value) == std::vector<double>{1, 1, 1});
}
