#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

/// A layer that a batch normalisation follows, so that it has no gain.
nn::Sequential one_layer(std::initializer_list<float> weight, bool norm = true) {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = static_cast<int64_t>(weight.size()), .out = 1, .bias = false}));
  if (norm) net.add("bn", nn::BatchNorm2d({.channels = 1}));
  net.parameters()[0].parameter->load(
      Tensor::from({1, static_cast<int64_t>(weight.size())}, weight));
  return net;
}

std::vector<double> effective(nn::Module& net) {
  return doubles(net.parameters()[0].parameter->effective_value());
}

Rules named(std::initializer_list<Member> options) {
  Value map = Value::map();
  for (const Member& option : options) map.set(option.key, option.value);
  map.set("support_op", "fc");
  return Rules::from(map, "DoReFaQuantizer");
}

}  // namespace

TEST_CASE("DoReFa: weights at 1, 2 and 4 bits by hand") {
  // 1 bit: E = (0.5 + 1 + 0.3 + 0)/4. But 0 counts as masked, so E = 1.8/3 = 0.6; sign(0) = 1.
  nn::Sequential net = one_layer({0.5f, -1, 0.3f, 0});
  {
    DoReFaQuantizer quantizer(named({{"weight_bits", 1}}));
    quantizer(net);
    const std::vector<double> one = effective(net);
    CHECK(one[0] == Approx(0.6));
    CHECK(one[1] == Approx(-0.6));
    CHECK(one[3] == Approx(0.6));
    quantizer.check_laws();
  }
  // tanh: 0.4621, −0.7616, 0.2913, 0; over 2·0.7616, plus ½: 0.8034, 0, 0.6913, 0.5.
  {
    // 2 bits: times 3: 2.410, 0, 2.074, 1.5 → 2, 0, 2, 2 (even) → 2·(2/3) − 1 = ⅓ and −1.
    DoReFaQuantizer quantizer(named({{"q_bits", 2}}));
    quantizer(net);
    const std::vector<double> two = effective(net);
    CHECK(two[0] == Approx(1.0 / 3));
    CHECK(two[1] == Approx(-1));
    CHECK(two[2] == Approx(1.0 / 3));
    CHECK(two[3] == Approx(1.0 / 3));
    quantizer.check_laws();
  }
  {
    // 4 bits: times 15: 12.05, 0, 10.37, 7.5 → 12, 0, 10, 8 (even) → 0.6, −1, ⅓, 1/15.
    DoReFaQuantizer quantizer(named({{"weight_bits", 4}}));
    quantizer(net);
    const std::vector<double> four = effective(net);
    CHECK(four[0] == Approx(0.6));
    CHECK(four[1] == Approx(-1));
    CHECK(four[2] == Approx(1.0 / 3));
    CHECK(four[3] == Approx(1.0 / 15));
  }
}

TEST_CASE("DoReFa: the gradient goes through tanh and the maximum") {
  // Surrogate: tanh(w)/max|tanh w|, differentiated by differences.
  const std::vector<float> w{0.5f, -1.1f, 0.3f, 0.9f};
  nn::Sequential net = one_layer({w[0], w[1], w[2], w[3]});
  DoReFaQuantizer quantizer(named({{"weight_bits", 3}}));
  quantizer(net);
  const LayerInfo& layer = quantizer.layers().front();
  const Tensor g = Tensor::from({1, 4}, {1, -2, 0.5f, 3});
  const Tensor found = quantizer.rounding_gradient(layer, Tensor::from({1, 4}, w), g);
  const auto surrogate = [&](std::vector<double> at) {
    double largest = 0, sum = 0;
    for (const double each : at) largest = std::max(largest, std::abs(std::tanh(each)));
    for (size_t i = 0; i < at.size(); ++i)
      sum += double{g[int64_t(i)]} * std::tanh(at[i]) / largest;
    return sum;
  };
  for (size_t i = 0; i < w.size(); ++i) {
    std::vector<double> above(w.begin(), w.end()), below = above;
    above[i] += 1e-5;
    below[i] -= 1e-5;
    const double expected = (surrogate(above) - surrogate(below)) / 2e-5;
    REQUIRE(expected != 0);
    CHECK(double{found[int64_t(i)]} == Approx(expected).epsilon(1e-4));
  }
}

TEST_CASE("DoReFa: activations are clipped to [0, 1]") {
  nn::Sequential net = one_layer({1, 1, 1}, false);
  DoReFaQuantizer quantizer(named({{"activation_bits", 2}}));
  quantizer(net);
  // −1 → 0; 0.4·3 = 1.2 → ⅓; 5 → 1.
  Tensor x = Tensor::from({1, 3}, {-1, 0.4f, 5});
  x.require_grad();
  const Tensor y = net(x);
  CHECK(y.item() == Approx(4.0 / 3));
  sum(y).backward();
  CHECK(doubles(x.grad()) == std::vector<double>{0, 1, 0});
}

TEST_CASE("DoReFa: gradients lie on 2^k levels of each sample, with noise within half a step") {
  nn::Sequential net = one_layer({1}, false);
  DoReFaQuantizer quantizer(named({{"gradient_bits", 2}}));
  quantizer(net);
  const LayerInfo& layer = quantizer.layers().front();
  // m = 4 and 1: levels of the first sample 8·(q − ½), q of 0, ⅓, ⅔, 1: ±4, ±4/3.
  Tensor gradient = Tensor::generate({3, 200}, [](int64_t i) {
    if (i >= 400) return 0.0f;
    return (i < 200 ? 4.0f : 1.0f) * std::sin(static_cast<float>(i % 200) * 0.0785398f);
  });
  double sum = 0, exact = 0;
  std::set<float> levels;
  for (int pass = 0; pass < 50; ++pass) {
    const Tensor result = quantizer.quantize_grad(layer, gradient);
    for (int64_t i = 0; i < 600; ++i) {
      if (i >= 400) CHECK(result[i] == 0);
      const double m = i < 200 ? 4 : 1, step = 2 * m / 3;
      // Noise of half a step and rounding of half a step.
      CHECK(std::abs(double{result[i]} - double{gradient[i]}) <= step * 1.001);
      if (i < 200) {
        levels.insert(std::round(result[i] * 1000));
        sum += i < 100 ? double{result[i]} : 0;
        exact += i < 100 ? double{gradient[i]} : 0;
      }
    }
  }
  CHECK(levels.size() == 4);
  // Without bias but for clipping at the ends: the mean over many draws is near.
  CHECK(sum == Approx(exact).epsilon(0.05));
  // The stream is the layer's own, and each pass draws anew.
  const Tensor first = quantizer.quantize_grad(layer, gradient);
  CHECK(doubles(quantizer.quantize_grad(layer, gradient)) != doubles(first));
}

TEST_CASE("DoReFa: first and last layer are left out unless they are named") {
  nn::Sequential net = four_layers();
  DoReFaQuantizer quantizer({{{"weight_bits", 2}, {"activation_bits", 2}}});
  quantizer(net);
  REQUIRE(quantizer.layers().size() == 2);
  CHECK(quantizer.layers()[0].name == "conv2");
  const std::vector<std::string> lines = summarise_rules(quantizer);
  CHECK(lines[0] == "rule 1: conv2, fc1");
  CHECK_THAT(lines[1], Contains("conv1 is left out: the first layer stays in full precision"));
  CHECK_THAT(lines[2], Contains("fc2 is left out: the last layer"));
  CHECK_THAT(lines[3], Contains("conv2 has no batch normalisation") && Contains("fixed gain"));

  nn::Sequential other = four_layers();
  DoReFaQuantizer everywhere({{{"weight_bits", 2}, {"support_op", "conv1"}}});
  everywhere(other);
  CHECK(everywhere.layers().size() == 1);
}

TEST_CASE("DoReFa: without batch normalisation the scale of the weights is kept") {
  nn::Sequential net = four_layers();
  DoReFaQuantizer quantizer({{{"weight_bits", 2}}});
  quantizer(net);
  nn::Sequential original = four_layers();
  for (const LayerInfo& layer : quantizer.layers()) {
    const auto power = [](const Tensor& weight) {
      double sum = 0;
      for (const float w : weight.values()) sum += double{w} * double{w};
      return sum;
    };
    for (const nn::NamedParameter& named : original.parameters()) {
      if (named.path() != layer.name + ".weight") continue;
      CHECK(power(layer.parameter->effective_value()) ==
            Approx(power(named.parameter->effective_value())).epsilon(1e-4));
    }
  }
  quantizer.check_laws();
  nn::SGD sgd(net, {.lr = 0.05});
  train_four_layers(net, sgd, 1);
  CHECK(doubles(quantizer.layers()[0].parameter->gradient()) !=
        std::vector<double>(size_t(quantizer.layers()[0].parameter->size()), 0.0));
}

TEST_CASE(
    "DoReFa: what is attached for evaluation is a finished training, unless it is told otherwise") {
  const Rules rules{{{"activation_bits", 1}, {"start_epoch", 3}, {"op_names", "*"}}};
  nn::Sequential net = four_layers();
  net.eval();
  const Tensor x = normal({2, 8, 8, 1}, 3);
  const auto plain = doubles(net(x));
  DoReFaQuantizer quantizer(rules);
  quantizer.attach_for_evaluation(net);
  const auto quantized = doubles(net(x));
  CHECK(quantized != plain);
  quantizer.update_epoch(2);
  CHECK(doubles(net(x)) == plain);
  quantizer.update_epoch(3);
  CHECK(doubles(net(x)) == quantized);
}

TEST_CASE("DoReFa: options are checked") {
  nn::Sequential net = four_layers();
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"weight_bits", 0}}})(net), Contains("weight_bits"));
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"weight_bits", 20}}})(net), Contains("32 for full"));
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"q_bits", 2}, {"weight_bits", 2}}})(net),
                    Contains("means the same"));
  CHECK_THROWS_WITH(DoReFaQuantizer({{{"support_type", "Linear"}}})(net),
                    Contains("quantizes nothing"));
}
