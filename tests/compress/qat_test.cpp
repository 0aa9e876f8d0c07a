#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

/// The weight of 4 and 2 channels, and a bias.
nn::Sequential one_linear() {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 2, .out = 2}));
  net.parameters()[0].parameter->load(Tensor::from({2, 2}, {1.27f, -0.314f, 0.05f, 0.0213f}));
  net.parameters()[1].parameter->load(Tensor::from({2}, {0.1f, -0.2f}));
  return net;
}

nn::Parameter& parameter(nn::Module& net, const std::string& path) {
  for (const nn::NamedParameter& named : net.parameters()) {
    if (named.path() == path) return *named.parameter;
  }
  throw Error("test", "no parameter " + path);
}

const nn::ActivationTransform& result_of(nn::Module& net, const std::string& layer) {
  const nn::ActivationTransform* found = nullptr;
  net.for_each_module([&](const std::string& path, nn::Module& module) {
    if (path == layer) found = module.record()->output_transform.get();
  });
  REQUIRE(found != nullptr);
  return *found;
}

nn::Sequential with_batch_norm() {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 1, .out = 2, .kernel = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 2}))
      .add("relu", nn::ReLU());
  return net;
}

}  // namespace

TEST_CASE("QAT: weights have a grid for each channel, biases multiples of both scales") {
  nn::Sequential net = one_linear();
  QATQuantizer quantizer;
  quantizer(net);
  // Δ = 1.27/127 = 0.01 and 0.05/127: −0.314 → −31·0.01; 0.0213·127/0.05 = 54.1 → 54.
  const Tensor weight = parameter(net, "fc.weight").effective_value();
  CHECK(weight[0] == Approx(1.27));
  CHECK(weight[1] == Approx(-0.31));
  CHECK(weight[3] == Approx(54 * 0.05 / 127));
  // Before a batch has been seen there is no input scale, and the bias is as it was.
  CHECK(parameter(net, "fc.bias").effective_value()[0] == 0.1f);

  // Input in −1 … 1.55: scale 2.55/255 = 0.01, zero point 100.
  net(Tensor::from({1, 2}, {-1, 1.55f}));
  const Tensor bias = parameter(net, "fc.bias").effective_value();
  CHECK(bias[0] == Approx(0.1));  // 1,000 steps of 0.01·0.01
  const double step = 0.05 / 127 * 0.01;
  CHECK(bias[1] == Approx(std::round(-0.2 / step) * step).epsilon(1e-6));
  // The result: 1.27·(−1) − 0.31·1.55 + 0.1 = −1.6505 is the smallest value, so the grid's end.
  CHECK(net(Tensor::from({1, 2}, {-1, 1.55f}))[0] == Approx(-1.6505).epsilon(0.01));
  quantizer.check_laws();
}

TEST_CASE("QAT: ranges follow the batches by a moving average and begin with the first") {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 1, .out = 1, .bias = false}));
  parameter(net, "fc.weight").load(Tensor::from({1, 1}, {1}));
  QATQuantizer quantizer({{{"ema_decay", 0.75}, {"freeze_observers_epoch", 1}}});
  quantizer(net);
  const auto train_on = [&](float low, float high) { net(Tensor::from({2, 1}, {low, high})); };
  const auto range = [&] { return doubles(net.record()->input_transform->state()); };
  CHECK(range() == std::vector<double>{0, 0, 0, 1});  // unknown, active
  train_on(-1, 2);
  CHECK(range() == std::vector<double>{-1, 2, 1, 1});
  train_on(-3, 4);  // 0.75·(−1) + 0.25·(−3) = −1.5; 0.75·2 + 0.25·4 = 2.5
  CHECK(range() == std::vector<double>{-1.5, 2.5, 1, 1});
  net.eval();
  train_on(-100, 100);
  CHECK(range() == std::vector<double>{-1.5, 2.5, 1, 1});
  net.train();
  quantizer.update_epoch(1);
  train_on(-100, 100);
  CHECK(range() == std::vector<double>{-1.5, 2.5, 1, 1});
  quantizer.set_enabled(false);
  quantizer.update_epoch(2);
  quantizer.set_enabled(true);
  CHECK(range()[3] == 1);

  nn::Sequential frozen;
  frozen.add("fc", nn::Linear({.in = 1, .out = 1}));
  QATQuantizer at_once({{{"freeze_observers_epoch", 0}}});
  at_once(frozen);
  frozen(Tensor::from({2, 1}, {-1, 2}));  // one batch is needed in any case
  frozen(Tensor::from({2, 1}, {-3, 4}));
  CHECK(doubles(frozen.record()->input_transform->state()) == std::vector<double>{-1, 2, 1, 1});
}

TEST_CASE("QAT: the gradient is 1 inside the range and 0 outside") {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 3, .out = 1, .bias = false}));
  parameter(net, "fc.weight").load(Tensor::from({1, 3}, {1, 1, 1}));
  QATQuantizer quantizer({{{"ema_decay", 0.5}}});
  quantizer(net);
  net(Tensor::from({1, 3}, {0, 0.5f, 1}));  // range 0 … 1
  Tensor x = Tensor::from({1, 3}, {-2, 0.5f, 3});
  x.require_grad();
  net.eval();  // keeps the range
  sum(net(x)).backward();
  // −2 and 3 lie outside of the input's range; the result, 0 + 0.5 + 1, outside of 0 … 1.5 does
  // not.
  CHECK(doubles(x.grad()) == std::vector<double>{0, 1, 0});
}

TEST_CASE("QAT: activations begin with quant_start_step, weights at once") {
  nn::Sequential net = four_layers();
  QATQuantizer quantizer({{{"quant_start_step", 2}}});
  quantizer(net);
  nn::SGD sgd(net, {.lr = 0.01});
  const auto active = [&] { return result_of(net, "relu1").state()[3] == 1; };
  train_four_layers(net, sgd, 0);
  CHECK(result_of(net, "relu1").state()[2] == 1);  // followed already
  train_four_layers(net, sgd, 1);
  CHECK_FALSE(active());
  train_four_layers(net, sgd, 2);
  CHECK(active());
}

TEST_CASE("QAT: one scale for all of a weight is that of the folded weight") {
  nn::Sequential net = with_batch_norm();
  parameter(net, "conv.weight").load(Tensor::from({2, 1, 1, 1}, {1, 1}));
  parameter(net, "bn.weight").load(Tensor::from({2}, {1, 0.1f}));
  QATQuantizer quantizer({{{"per_channel", false}, {"weight_bits", 2}, {"first_last_bits", 2}}});
  quantizer(net);
  // γ/√(1 + ε) = 1 and 0.1 (but for ε = 1e-5); folded (1, 0.1), 2 bits: Δ = 1, codes 1 and 0.
  // Without folding both would be 1.
  const Tensor weight = parameter(net, "conv.weight").effective_value();
  CHECK(weight[0] == Approx(1).epsilon(1e-4));
  CHECK(weight[1] == 0);
  parameter(net, "bn.weight").load(Tensor::from({2}, {1, 0}));  // a dead channel
  for (const float value : parameter(net, "conv.weight").effective_value().values())
    CHECK(std::isfinite(value));
}

TEST_CASE("QAT: the factors of folding cancel in the gradient") {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 2, .out = 2, .kernel = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 2}));
  nn::Parameter& weight = parameter(net, "conv.weight");
  weight.load(Tensor::from({2, 1, 1, 2}, {1, 0.5f, 0.3f, -0.2f}));
  parameter(net, "bn.weight").load(Tensor::from({2}, {1, 0.25f}));
  QATQuantizer quantizer({{{"per_channel", false}}});
  quantizer(net);
  weight.keep_effective_gradient();
  const Tensor y = net(normal({3, 1, 1, 2}, 5));
  sum(multiply(y, normal(y.shape(), 6))).backward();
  const std::vector<double> stored = doubles(weight.gradient());
  const std::vector<double> effective = doubles(weight.effective_gradient());
  for (size_t i = 0; i < 4; ++i) {
    CHECK(std::abs(effective[i]) > 1e-4);
    CHECK(stored[i] == Approx(effective[i]).epsilon(1e-4));
  }
}

TEST_CASE("QAT: the paper's grids are affine, for all of a weight, without the lowest code") {
  nn::Sequential net = one_linear();
  parameter(net, "fc.weight").load(Tensor::from({2, 2}, {-1, 1.54f, 0.052f, 0}));
  QATQuantizer quantizer({{{"paper", true}}});
  quantizer(net);
  // Codes 1 … 255 for −1 … 1.54: scale 0.01, zero point 101; 0.052 → 5 steps.
  const Tensor weight = parameter(net, "fc.weight").effective_value();
  CHECK(weight[0] == Approx(-1));
  CHECK(weight[2] == Approx(0.05));
  CHECK(weight[3] == 0);
  CHECK_THROWS_WITH(QATQuantizer({{{"paper", true}, {"per_channel", true}}})(net),
                    Contains("per_channel") && Contains("paper"));
  CHECK_THROWS_WITH(QATQuantizer({{{"paper", true}, {"symmetric", true}}})(net),
                    Contains("symmetric") && Contains("affine"));
  CHECK_THROWS_WITH(QATQuantizer({{{"weight_bits", 1}}})(net), Contains("weight_bits"));
  CHECK_THROWS_WITH(QATQuantizer({{{"ema_decay", 1}}})(net), Contains("ema_decay"));
}

TEST_CASE("QAT: sections in the spelling of other toolkits") {
  const Registry registry = Registry::with_builtin();
  for (const char* name : {"QATQuantizer", "QAT_Quantizer", "QATquantizer", "torchQAT_Quantizer"}) {
    INFO(name);
    REQUIRE(registry.find(name) != nullptr);
    CHECK(registry.find(name)->name == "QATQuantizer");
  }
}

TEST_CASE("QAT: few bits spare the first and the last layer, and it says so") {
  nn::Sequential net = four_layers();
  QATQuantizer quantizer({{{"q_bits", 4}}});
  quantizer(net);
  const auto bits = [&](int layer) {
    return quantizer.weight_levels(quantizer.layers()[static_cast<size_t>(layer)]).bits;
  };
  CHECK(bits(0) == 8);
  CHECK(bits(1) == 4);
  CHECK(bits(2) == 4);
  CHECK(bits(3) == 8);
  CHECK_THAT(summarise_rules(quantizer).back(),
             Contains("5 activation tensors") && Contains("conv1, fc2") && Contains("8 bits"));
  nn::SGD sgd(net, {.lr = 0.01});
  train_four_layers(net, sgd, 0);
  quantizer.check_laws();
}

TEST_CASE("QAT: statistics of batch normalisation freeze") {
  nn::Sequential net = with_batch_norm();
  QATQuantizer quantizer({{{"freeze_bn_epoch", 1}}});
  quantizer(net);
  const auto mean = [&] { return doubles(net.children()[1]->record()->buffers[0]->value); };
  const Tensor x = normal({4, 3, 3, 1}, 3);
  const std::vector<double> before = mean();
  net(x);
  const std::vector<double> after = mean();
  CHECK(after != before);
  quantizer.update_epoch(1);
  net(x);
  CHECK(mean() == after);
}

TEST_CASE("QAT: what is saved answers the same when it is loaded for evaluation") {
  nn::Sequential net = nn::named_model("lenet5").make();
  nn::initialise(net, 4);
  const Rules rules{{{"q_bits", 4}, {"quant_start_step", 1}}};
  QATQuantizer quantizer(rules);
  quantizer(net);
  nn::SGD sgd(net, {.lr = 0.01});
  const Tensor x = normal({4, 28, 28, 1}, 3);
  for (int i = 0; i < 3; ++i) {
    sgd.zero_grad();
    nn::cross_entropy(net(x), {0, 1, 2, 3}).backward();
    sgd.step();
  }
  net.eval();
  const std::vector<double> expected = doubles(net(x));
  const std::string path = "/tmp/espalier-qat-" + std::to_string(getpid());
  nn::save_weights(net, path);

  nn::Sequential loaded = nn::named_model("lenet5").make();
  QATQuantizer again(rules);
  again.attach_for_evaluation(loaded);
  nn::load_weights(loaded, path);
  loaded.eval();
  CHECK(doubles(loaded(x)) == expected);
  // A network without the quantizer takes the weights alone.
  nn::Sequential plain = nn::named_model("lenet5").make();
  nn::load_weights(plain, path);
  plain.eval();
  CHECK(doubles(plain(x)) != expected);
  std::remove(path.c_str());
}

TEST_CASE("QAT: a training that is stopped goes on exactly") {
  const Rules rules{{{"q_bits", 4}, {"ema_decay", 0.9}, {"quant_start_step", 2}}};
  struct Training {
    explicit Training(const Rules& rules) : quantizer(rules) { quantizer(net); }
    void run(int from, int to) {
      for (int i = from; i < to; ++i) train_four_layers(net, sgd, static_cast<uint64_t>(i));
    }
    void visit(nn::StateVisitor state) {
      nn::visit_model_state(net, state);
      quantizer.visit_state(state);
    }
    nn::Sequential net = four_layers();
    QATQuantizer quantizer;
    nn::SGD sgd{net, {.lr = 0.05, .momentum = 0.9}};
  };
  Training whole(rules), first(rules), second(rules);
  whole.run(0, 6);
  first.run(0, 3);
  nn::State state;
  first.visit(nn::StateVisitor::saving(state));
  second.visit(nn::StateVisitor::restoring(state));
  second.run(3, 6);
  const auto expected = whole.net.parameters(), found = second.net.parameters();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(doubles(found[i].parameter->effective_value()) ==
          doubles(expected[i].parameter->effective_value()));
  }
  CHECK(doubles(result_of(second.net, "relu2").state()) ==
        doubles(result_of(whole.net, "relu2").state()));
}
