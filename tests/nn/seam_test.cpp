// The seam: what a layer computes with, and what happens around its computation.
#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/models.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

using Stage = nn::WeightTransform::Stage;

/// A transform made of one function, for any stage.
class TestTransform : public nn::WeightTransform {
 public:
  using Function = Tensor (*)(const Tensor&);
  TestTransform(Stage stage, Function function, bool keeps_zero = true)
      : stage_(stage), function_(function), keeps_zero_(keeps_zero) {}
  Stage stage() const override { return stage_; }
  std::string_view name() const override { return "test"; }
  Tensor apply(const Tensor& weight) const override { return function_(weight); }
  bool preserves_zero() const override { return keeps_zero_; }

 private:
  Stage stage_;
  Function function_;
  bool keeps_zero_;
};

Mask every_second(const Shape& shape) {
  return Mask::from(Tensor::generate(shape, [](int64_t i) { return i % 2 ? 1.0f : 0.0f; }));
}
Tensor masked(const Tensor& w) {
  return masked_multiply(w, every_second(w.shape()));
}
Tensor doubled(const Tensor& w) {
  return add(w, w);
}
Tensor rounded(const Tensor& w) {
  return round_straight_through(w);
}
/// A grid without zero: every value becomes at least 1.
Tensor without_zero(const Tensor& w) {
  return add(round_straight_through(multiply(w, w)), Tensor::full(w.shape(), 1));
}

std::shared_ptr<TestTransform> make(Stage stage, TestTransform::Function function,
                                    bool keeps_zero = true) {
  return std::make_shared<TestTransform>(stage, function, keeps_zero);
}

nn::Parameter& weight_of(nn::Module& layer) {
  return *layer.parameters()[0].parameter;
}

}  // namespace

TEST_CASE("transforms act in the order of their stages, whatever the order of attaching") {
  nn::Linear a({.in = 6, .out = 2}), b({.in = 6, .out = 2});
  weight_of(a).load(normal({2, 6}, 1));
  weight_of(b).load(normal({2, 6}, 1));
  weight_of(a).attach(make(Stage::mask, masked));
  weight_of(a).attach(make(Stage::fold, doubled));
  weight_of(a).attach(make(Stage::quantize, rounded));
  weight_of(b).attach(make(Stage::quantize, rounded));
  weight_of(b).attach(make(Stage::fold, doubled));
  weight_of(b).attach(make(Stage::mask, masked));
  const Tensor expected = rounded(doubled(masked(normal({2, 6}, 1))));
  CHECK(doubles(weight_of(a).effective_value()) == doubles(expected));
  CHECK(doubles(weight_of(b).effective_value()) == doubles(expected));
}

TEST_CASE("masked weights are zero also on a grid that has no zero") {
  nn::Linear layer({.in = 8, .out = 3});
  weight_of(layer).attach(make(Stage::quantize, without_zero, false));
  weight_of(layer).attach(make(Stage::mask, masked));
  const Tensor effective = weight_of(layer).effective_value();
  for (int64_t i = 0; i < effective.size(); ++i) {
    if (i % 2 == 0) CHECK(effective[i] == 0.0f);
    if (i % 2 == 1) CHECK(effective[i] >= 1.0f);
  }
}

TEST_CASE("a stage holds one transform, but any number of masks") {
  nn::Linear layer({.in = 6, .out = 2});
  for (const Stage stage : {Stage::fold, Stage::quantize}) {
    weight_of(layer).attach(make(stage, doubled));
    CHECK_THROWS_WITH(weight_of(layer).attach(make(stage, doubled)),
                      Catch::Contains("'weight' already has"));
    weight_of(layer).detach(stage);
    CHECK(weight_of(layer).transform(stage) == nullptr);
  }
  const auto third = make(Stage::mask, [](const Tensor& w) {
    return masked_multiply(
        w, Mask::from(Tensor::generate(w.shape(), [](int64_t i) { return i % 3 ? 1.0f : 0.0f; })));
  });
  const auto second = make(Stage::mask, masked);
  const auto kept = [&] {
    std::string bits;
    const Tensor effective = weight_of(layer).effective_value();
    for (int64_t i = 0; i < effective.size(); ++i) bits += effective[i] == 0.0f ? "0" : "1";
    return bits;
  };
  weight_of(layer).load(normal({2, 6}, 1));
  for (const bool has_zero : {true, false}) {
    weight_of(layer).attach(second);
    weight_of(layer).attach(make(Stage::quantize, has_zero ? doubled : without_zero, has_zero));
    weight_of(layer).attach(third);
    CHECK(kept() == "010001010001");
    // One goes, by itself; the other stays.
    weight_of(layer).detach(second.get());
    CHECK(kept() == "011011011011");
    weight_of(layer).detach(second.get());
    CHECK(weight_of(layer).transform(Stage::mask) == third.get());
    weight_of(layer).detach(Stage::mask);
    weight_of(layer).detach(Stage::quantize);
    CHECK(kept() == "111111111111");
  }
}

TEST_CASE("the loss depends on the latent weight through the transforms, and on nothing else") {
  nn::Linear layer({.in = 4, .out = 3, .bias = false});
  weight_of(layer).attach(make(Stage::mask, masked));
  weight_of(layer).attach(make(Stage::fold, doubled));
  const Tensor x = normal({5, 4}, 2);
  sum(layer(x)).backward();
  const Tensor& g = weight_of(layer).gradient();
  for (int64_t i = 0; i < g.size(); ++i) {
    double column = 0;
    for (int64_t n = 0; n < 5; ++n) column += double{x[n * 4 + i % 4]};
    CHECK(double{g[i]} == Approx(i % 2 ? 2 * column : 0).margin(1e-5));
  }
}

namespace {
class AddOne : public nn::ActivationTransform {
 public:
  std::string_view name() const override { return "add one"; }
  Tensor apply(const Tensor& x, bool training) override {
    ++(training ? trained : evaluated);
    return add(x, Tensor::full(x.shape(), 1));
  }
  int trained = 0, evaluated = 0;
};
}  // namespace

TEST_CASE("input and output transforms stand around forward") {
  nn::ReLU layer;
  auto before = std::make_shared<AddOne>(), after = std::make_shared<AddOne>();
  layer.set_input_transform(before);
  layer.set_output_transform(after);
  CHECK(layer(Tensor::full({2}, -3))[0] == 1);
  CHECK(layer(Tensor::full({2}, 3))[0] == 5);
  layer.eval();
  layer(Tensor::full({2}, 3));
  CHECK(before->trained == 2);
  CHECK(after->evaluated == 1);
  layer.set_input_transform(nullptr);
  CHECK(layer(Tensor::full({2}, -3))[0] == 1);
}

TEST_CASE("errors name the layer they happen in") {
  nn::Sequential block;
  block.add("conv1", nn::Conv2d({.in = 3, .out = 4, .kernel = 3}));
  nn::Sequential net;
  net.add("block2", std::move(block));
  CHECK_THROWS_WITH(net(Tensor::zeros({1, 8, 8, 5})),
                    "[conv2d] the input has 5 channels but the weight expects 3 (at block2.conv1)");
  CHECK_THROWS_WITH(net(Tensor()), Catch::Contains("undefined"));
  CHECK(LayerScope::current().empty());
}

TEST_CASE("modules may be moved without anything noticing") {
  nn::Linear layer({.in = 3, .out = 2});
  nn::Parameter* weight = layer.parameters()[0].parameter;
  const Tensor before = weight->effective_value();
  nn::Sequential inner{std::move(layer), nn::ReLU()};
  nn::Sequential net;
  net.add("0", std::move(inner));
  REQUIRE(net.parameters().size() == 2);
  CHECK(net.parameters()[0].parameter == weight);
  CHECK(net.parameters()[0].path() == "0.0.weight");
  const Tensor x = normal({4, 3}, 5);
  CHECK(doubles(net(x)) ==
        doubles(relu(linear(x, before, net.parameters()[1].parameter->effective_value()))));
}

TEST_CASE("names, order and duplicates") {
  nn::Sequential net = nn::named_model("lenet5").make();
  std::vector<std::string> paths;
  for (const auto& named : net.parameters()) paths.push_back(named.path());
  CHECK(paths == std::vector<std::string>{"conv1.weight", "conv1.bias", "conv2.weight",
                                          "conv2.bias", "fc1.weight", "fc1.bias", "fc2.weight",
                                          "fc2.bias"});
  CHECK(net.parameter_count() == 431'080);
  CHECK(nn::named_model("lenet300").make().parameter_count() == 266'610);
  CHECK_THROWS_WITH(net.add("fc1", nn::ReLU()), Catch::Contains("two layers named 'fc1'"));
  CHECK_THROWS_WITH(nn::named_model("lenet6"), Catch::Contains("lenet5"));
}

TEST_CASE("layers refuse impossible sizes") {
  CHECK_THROWS_WITH(nn::Linear({.in = 0, .out = 2}), Catch::Contains("at least 1"));
  CHECK_THROWS_WITH(nn::Conv2d({.in = 3, .out = 4, .kernel = 3, .groups = 2}),
                    Catch::Contains("divisible by groups"));
}

TEST_CASE(
    "start values: bounds of Kaiming's rule, equal for equal seeds, different between layers") {
  nn::Sequential a{nn::Linear({.in = 100, .out = 50}), nn::Linear({.in = 100, .out = 50})};
  nn::Sequential b{nn::Linear({.in = 100, .out = 50}), nn::Linear({.in = 100, .out = 50})};
  const auto weight = [](nn::Sequential& net, size_t i) {
    return doubles(net.parameters()[i].parameter->effective_value());
  };
  CHECK(weight(a, 0) != weight(a, 2));
  CHECK(weight(a, 0) != weight(b, 0));  // made later on the same engine
  nn::initialise(a, 3);
  nn::initialise(b, 3);
  CHECK(weight(a, 0) == weight(b, 0));
  CHECK(weight(a, 0) != weight(a, 2));
  double largest = 0, squares = 0;
  for (double w : weight(a, 0)) {
    largest = std::max(largest, std::abs(w));
    squares += w * w;
  }
  CHECK(largest <= 0.1);  // 1/√100
  CHECK(largest > 0.099);
  CHECK(squares / 5000 == Approx(0.01 / 3).epsilon(0.05));  // variance of a uniform distribution
  nn::initialise(b, 4);
  CHECK(weight(a, 0) != weight(b, 0));
}
