// What every quantizer has from its base class, seen through quantizers as a user writes them.
#include "espalier/compress/quantizer.h"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <optional>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/quantizers/naive_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/compress/quantizers/weight_sharing_quantizer.h"
#include "espalier/compress/rule_report.h"
#include "espalier/compress/sensitivity/weight_trial.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

/// ±0.5, whatever the weight.
class Signs : public Quantizer {
 public:
  using Quantizer::Quantizer;
  Tensor quantize_weight(const LayerInfo&, const Tensor& weight) override {
    return Tensor::generate(weight.shape(),
                            [&](int64_t i) { return weight[i] < 0 ? -0.5f : 0.5f; });
  }
  WeightLevels weight_levels(const LayerInfo&) const override { return {.bits = 1}; }
};

nn::Sequential one_layer(std::initializer_list<float> weight) {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = static_cast<int64_t>(weight.size()), .out = 1, .bias = false}));
  net.parameters()[0].parameter->load(
      Tensor::from({1, static_cast<int64_t>(weight.size())}, weight));
  return net;
}

std::vector<double> weight_gradient(nn::Sequential& net, std::initializer_list<float> x) {
  net.parameters()[0].parameter->zero_grad();
  sum(net(Tensor::from({1, static_cast<int64_t>(x.size())}, x))).backward();
  return doubles(net.parameters()[0].parameter->gradient());
}

std::vector<double> effective(nn::Module& net, int parameter = 0) {
  return doubles(net.parameters()[static_cast<size_t>(parameter)].parameter->effective_value());
}

}  // namespace

TEST_CASE("quantizer: a result made by hand passes the gradient straight through") {
  nn::Sequential net = one_layer({0.3f, -2, 0.1f});
  Signs quantizer;
  quantizer(net);
  CHECK(effective(net) == std::vector<double>{0.5, -0.5, 0.5});
  CHECK(net(Tensor::from({1, 3}, {1, 2, 4})).item() == 1.5f);
  CHECK(weight_gradient(net, {1, 2, 4}) == std::vector<double>{1, 2, 4});
}

TEST_CASE(
    "quantizer: operations have their own gradient, and rounding_gradient has the last word") {
  class Clipped : public Quantizer {
   public:
    using Quantizer::Quantizer;
    Tensor quantize_weight(const LayerInfo&, const Tensor& weight) override {
      return round_straight_through(clamp(weight, -1, 1));
    }
  };
  nn::Sequential net = one_layer({0.3f, -2, 0.8f});
  {
    Clipped quantizer;
    quantizer(net);
    CHECK(effective(net) == std::vector<double>{0, -1, 1});
    CHECK(weight_gradient(net, {1, 2, 4}) == std::vector<double>{1, 0, 4});
  }
  class Halved : public Signs {
   public:
    Tensor rounding_gradient(const LayerInfo&, const Tensor& value, const Tensor& g) override {
      CHECK(value[1] == -2);  // what was quantized
      return Tensor::generate(g.shape(), [&](int64_t i) { return g[i] / 2; });
    }
  };
  Halved quantizer;
  quantizer(net);
  CHECK(weight_gradient(net, {1, 2, 4}) == std::vector<double>{0.5, 1, 2});
}

TEST_CASE("quantizer: input, result and the gradient of the result") {
  class Everything : public Quantizer {
   public:
    using Quantizer::Quantizer;
    Tensor quantize_input(const LayerInfo&, const Tensor& x) override { return clamp(x, 0, 1); }
    Tensor quantize_output(const LayerInfo& layer, const Tensor& y) override {
      CHECK(layer.name == "fc");
      return round_straight_through(y);
    }
    Tensor quantize_grad(const LayerInfo&, const Tensor& gradient) override {
      return Tensor::generate(gradient.shape(), [&](int64_t i) { return 3 * gradient[i]; });
    }
  };
  nn::Sequential net = one_layer({2, 1});
  Everything quantizer;
  quantizer(net);
  // Input (0.2, 7) becomes (0.2, 1); 0.4 + 1 = 1.4 is rounded to 1.
  CHECK(net(Tensor::from({1, 2}, {0.2f, 7})).item() == 1);
  const std::vector<double> gradient = weight_gradient(net, {0.2f, 7});
  CHECK(gradient[0] == Approx(0.6));
  CHECK(gradient[1] == Approx(3));
}

TEST_CASE("quantizer: switched off, not begun or gone, the network is the float network") {
  nn::Sequential net = four_layers();
  const Tensor x = normal({2, 8, 8, 1}, 1);
  const std::vector<double> expected = doubles(net(x));
  std::optional<Signs> quantizer(std::in_place, Rules{{{"start_epoch", 2}}});
  (*quantizer)(net);
  CHECK(doubles(net(x)) == expected);
  quantizer->update_epoch(1);
  CHECK(doubles(net(x)) == expected);
  quantizer->update_epoch(2);
  CHECK(doubles(net(x)) != expected);
  quantizer->set_enabled(false);
  CHECK(doubles(net(x)) == expected);
  quantizer->set_enabled(true);
  CHECK(doubles(net(x)) != expected);
  quantizer.reset();
  CHECK(doubles(net(x)) == expected);
  Signs another;  // the places are free again
  another(net);
  CHECK(doubles(net(x)) != expected);
}

TEST_CASE("quantizer: what is masked stays zero on a grid without zero") {
  nn::Sequential net = four_layers();
  LevelPruner pruner({{{"sparsity", 0.5}}});
  Signs quantizer;
  quantizer(net);
  pruner(net);
  nn::SGD sgd(net, {.lr = 0.05, .momentum = 0.9});
  for (int i = 0; i < 3; ++i) train_four_layers(net, sgd, static_cast<uint64_t>(i));
  for (const LayerInfo& layer : pruner.layers()) {
    const Tensor weight = layer.parameter->effective_value();
    const Mask& mask = pruner.mask(layer);
    for (int64_t i = 0; i < weight.size(); ++i)
      CHECK(std::abs(weight[i]) == (mask[i] ? 0.5f : 0.0f));
  }
  quantizer.check_laws();
}

TEST_CASE("quantizer: naive, 8 bits, by hand") {
  // Δ = 2.54/127 = 0.02 and 1 for a channel of zeros; 0.05/0.02 = 2.5 → 2 (even) and −0.03 → −2.
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 3, .out = 2, .bias = false}));
  net.parameters()[0].parameter->load(Tensor::from({2, 3}, {2.54f, 0.049f, -0.031f, 0, 0, 0}));
  NaiveQuantizer quantizer;
  quantizer(net);
  const std::vector<double> weight = effective(net);
  CHECK(weight[0] == Approx(2.54));
  CHECK(weight[1] == Approx(0.04));
  CHECK(weight[2] == Approx(-0.04));
  CHECK(weight[3] == 0);
  sum(net(Tensor::from({1, 3}, {1, 2, 4}))).backward();
  CHECK(doubles(net.parameters()[0].parameter->gradient()) ==
        std::vector<double>{1, 2, 4, 1, 2, 4});
  quantizer.check_laws();
}

namespace {

/// Returns whatever the test wants.
class Returns : public Quantizer {
 public:
  explicit Returns(std::function<Tensor(const Tensor&)> result, int bits = 32)
      : result_(std::move(result)), bits_(bits) {}
  Tensor quantize_weight(const LayerInfo&, const Tensor& weight) override {
    return result_(weight);
  }
  WeightLevels weight_levels(const LayerInfo&) const override { return {.bits = bits_}; }

 private:
  std::function<Tensor(const Tensor&)> result_;
  int bits_;
};

}  // namespace

TEST_CASE("quantizer: a mask on trial takes away, and undoes no quantizer") {
  nn::Sequential net = one_layer({0.3f, -2, 0.1f});
  Signs quantizer;
  quantizer(net);
  {
    const WeightTrial trial =
        WeightTrial::mask(*net.parameters()[0].parameter, [](const Tensor& weight) {
          return Tensor::from(weight.shape(), {weight[0], weight[1], 0});
        });
    CHECK(effective(net) == std::vector<double>{0.5, -0.5, 0});
  }
  CHECK(effective(net) == std::vector<double>{0.5, -0.5, 0.5});
}

TEST_CASE("quantizer: what begins after the training is told") {
  nn::Sequential net = four_layers();
  NaiveQuantizer quantizer({{{"start_epoch", 7}}});
  quantizer(net);
  CHECK(unfinished_schedules(quantizer, 8, 10).empty());
  const std::vector<std::string> told = unfinished_schedules(quantizer, 5, 10);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], Contains("NaiveQuantizer rule 1 reaches its start in epoch 8") &&
                          Contains("nothing is quantized") && Contains("start_epoch below 5"));
  nn::Sequential other = four_layers();
  LevelPruner pruner({{{"sparsity", 0.5}, {"start_epoch", 7}}});
  pruner(other);
  CHECK(unfinished_schedules(pruner, 5, 10).size() == 1);
}

TEST_CASE("layer info: gradients of masked weights, and moments") {
  nn::Sequential net = one_layer({0.1f, -2, 3});
  LevelPruner pruner({{{"sparsity", 0.34}, {"frequency", "once"}, {"masked_weights", "zero"}}});
  pruner(net);
  const LayerInfo& layer = pruner.layers().front();
  CHECK_FALSE(layer.gradient().defined());
  CHECK_THROWS_WITH(layer.moment("momentum"), Contains("nor anything else yet"));
  layer.keep_gradient();
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  CHECK(weight_gradient(net, {1, 2, 4}) == std::vector<double>{0, 2, 4});
  CHECK(doubles(layer.gradient()) == std::vector<double>{1, 2, 4});
  sgd.step();
  CHECK(doubles(layer.moment("momentum")) == std::vector<double>{0, 2, 4});
  CHECK_THROWS_WITH(layer.moment("v"), Contains("no 'v'") && Contains("they keep momentum"));
}

TEST_CASE("quantizer: laws that are broken are named with layer and rule") {
  nn::Sequential net = four_layers();
  const Tensor x = normal({1, 8, 8, 1}, 1);
  const auto error = [&](std::function<Tensor(const Tensor&)> result, int bits = 32) {
    Returns quantizer(std::move(result), bits);
    try {
      quantizer(net);
      quantizer.check_laws();
      net(x);
    } catch (const Error& caught) {
      return std::string(caught.what());
    }
    return std::string("none");
  };
  CHECK(error([](const Tensor& w) { return w; }) == "none");
  CHECK_THAT(
      error([](const Tensor&) { return Tensor::scalar(1); }),
      Contains("Returns") && Contains("conv1") && Contains("quantize_weight returned the shape"));
  CHECK_THAT(error([](const Tensor&) { return Tensor(); }), Contains("returned nothing"));
  CHECK_THAT(error([](const Tensor& w) {
               return Tensor::full(w.shape(), std::numeric_limits<float>::quiet_NaN());
             }),
             Contains("returned nan for layer 'conv1'") && Contains("finite"));
  CHECK_THAT(error([](const Tensor& w) { return w; }, 2),
             Contains("different values for layer 'conv1'") && Contains("2^2"));
}

TEST_CASE("quantizer: several share a layer where they act on different tensors") {
  const Rules on_conv2{{{"support_op", "conv2"}, {"activation_bits", 2}}};
  nn::Sequential net = four_layers(), with_naive = four_layers(), with_inputs = four_layers();
  const Tensor x = normal({2, 8, 8, 1}, 1);
  NaiveQuantizer naive({{{"support_op", "conv2"}}}), naive_alone({{{"support_op", "conv2"}}});
  DoReFaQuantizer inputs(on_conv2), inputs_alone(on_conv2);
  DoReFaQuantizer gradients({{{"support_op", "conv2"}, {"gradient_bits", 4}}});
  inputs(net);
  naive(net);
  gradients(net);
  naive_alone(with_naive);
  inputs_alone(with_inputs);
  const std::vector<double> y = doubles(net(x));
  CHECK(y != doubles(with_naive(x)));
  CHECK(y != doubles(with_inputs(x)));
  for (const LayerInfo& layer : naive.layers()) {
    for (const nn::NamedParameter& named : with_inputs.parameters()) {
      if (named.layer == layer.name && named.parameter->role() == nn::Role::weight)
        named.parameter->load(layer.parameter->effective_value());
    }
  }
  CHECK(y == doubles(with_inputs(x)));
  // The same tensor twice is an error, as it was.
  CHECK_THROWS_WITH(DoReFaQuantizer(on_conv2)(net),
                    Contains("input of layer 'conv2' is quantized by DoReFaQuantizer already"));
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"support_op", "conv2"}, {"gradient_bits", 2}}})(net),
                    Contains("result of layer 'conv2'"));
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"support_op", "conv2"}, {"weight_bits", 2}}})(net),
                    Contains("weight of layer 'conv2' is quantized by NaiveQuantizer already"));
}

namespace {

/// What an attempt to attach must leave as it was.
struct Traces {
  explicit Traces(nn::Module& net) {
    for (const nn::NamedParameter& named : net.parameters()) {
      weights.push_back(doubles(named.parameter->effective_value()));
      using Stage = nn::WeightTransform::Stage;
      for (const Stage stage : {Stage::mask, Stage::fold, Stage::quantize})
        places.push_back(named.parameter->transform(stage));
    }
    net.for_each_module([&](const std::string&, nn::Module& module) {
      places.push_back(module.record()->input_transform.get());
      places.push_back(module.record()->output_transform.get());
      listeners += module.record()->listeners.size();
    });
  }
  bool operator==(const Traces&) const = default;
  std::vector<std::vector<double>> weights;
  std::vector<const void*> places;
  size_t listeners = 0;
};

}  // namespace

TEST_CASE("compressor: an attempt to attach that fails leaves nothing behind") {
  nn::Sequential net = four_layers();
  const auto fails = [&](Compressor& compressor, const std::string& complaint) {
    INFO(compressor.name());
    const Traces before(net);
    CHECK_THROWS_WITH(compressor(net), Contains(complaint));
    CHECK(Traces(net) == before);
    CHECK_FALSE(compressor.attached());
    CHECK(compressor.layers().empty());
  };
  std::optional<Signs> present(std::in_place, Rules{{{"support_op", "fc1"}}});
  (*present)(net);
  NaiveQuantizer naive;
  DoReFaQuantizer dorefa(
      {{{"weight_bits", 2}, {"activation_bits", 2}, {"support_op", "re:conv1|conv2|fc1"}}});
  QATQuantizer qat({{{"freeze_bn_epoch", 0}}});
  WeightSharingQuantizer sharing;
  for (Compressor* each : std::vector<Compressor*>{&naive, &dorefa, &qat, &sharing})
    fails(*each, "'fc1' is quantized by Signs already");

  // A mask that is wrong for the third layer: the first two have not been masked, nor zeroed.
  class WrongForLinear : public Pruner {
   public:
    using Pruner::Pruner;
    bool right = false;
    Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
      return layer.type == "Linear" && !right ? Tensor::full(weight.shape(), 0.5f)
                                              : Tensor::zeros(weight.shape());
    }
  };
  WrongForLinear pruner;
  fails(pruner, "fc1");
  SensitivityPruner goal({{{"sensitivity", 0.5}, {"support_op", "conv1"}},
                          {{"sensitivity", 0.5}, {"support_op", "no_such"}}});
  fails(goal, "no_such");

  // With what stood in the way gone, the same objects attach.
  present.reset();
  dorefa(net);
  CHECK(dorefa.layers().size() == 3);
  pruner.right = true;
  pruner(net);
  CHECK(pruner.layers().size() == 4);
  for (const float w : net.parameters()[0].parameter->effective_value().values()) CHECK(w == 0);
}

TEST_CASE("quantizer: two on one weight are an error, on different layers they are not") {
  nn::Sequential net = four_layers();
  Signs first({{{"support_op", "conv1"}}});
  first(net);
  NaiveQuantizer second({{{"support_op", "conv2"}}});
  second(net);
  NaiveQuantizer third;
  CHECK_THROWS_WITH(third(net), Contains("'conv1' is quantized by Signs already"));
}
