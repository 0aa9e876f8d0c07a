#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/quantizers/weight_sharing_quantizer.h"
#include "espalier/compress/rule_report.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

nn::Sequential one_layer(std::initializer_list<float> weight) {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = static_cast<int64_t>(weight.size()), .out = 1, .bias = false}));
  net.parameters()[0].parameter->load(
      Tensor::from({1, static_cast<int64_t>(weight.size())}, weight));
  return net;
}

std::vector<double> effective(nn::Module& net) {
  return doubles(net.parameters()[0].parameter->effective_value());
}

/// The gradient of the weight is x.
void backward(nn::Module& net, const Tensor& x) {
  net.parameters()[0].parameter->zero_grad();
  sum(net(x)).backward();
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return largest_difference(a, b) < 1e-6;
}

RandomStream some_random() {
  return RandomStream(3, Purpose::initialisation);
}

/// Masks what a test says.
class Chosen : public Pruner {
 public:
  using Pruner::Pruner;
  std::vector<float> kept;
  Tensor calc_mask(const LayerInfo&, const Tensor& weight) override {
    return Tensor::from(weight.shape(), kept);
  }
};

}  // namespace

TEST_CASE("weight sharing: clusters by hand, zero in none of them") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, -0.7f, 0, 3});
  {
    // Two centroids begin at −0.7 and 3; the middle, 1.15, leaves 1.2 and 3 above it. Their means
    // −0.2/3 and 2.1 have the middle 1.017, which divides in the same way.
    WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
    quantizer(net);
    const double low = -0.2 / 3;
    CHECK(same(effective(net), {low, 2.1, low, low, 0, 2.1}));
    const Codebook book = quantizer.codebook(quantizer.layers()[0]);
    CHECK(same(std::vector<double>(book.values.begin(), book.values.end()), {low, 2.1}));
    CHECK(book.indices == std::vector<int32_t>{0, 1, 0, 0, -1, 1});
    quantizer.check_laws();
  }
  {
    // Four: −0.7, 0.533, 1.767, 3, with the middles −0.083, 1.15, 2.383.
    WeightSharingQuantizer quantizer({{{"q_bits", 2}}});
    quantizer(net);
    CHECK(same(effective(net), {1, 1.2, -0.6, -0.6, 0, 3}));
    quantizer.check_laws();
  }
  {
    // There are no more different values than places for them.
    WeightSharingQuantizer quantizer({{{"q_bits", 3}}});
    quantizer(net);
    CHECK(effective(net) == doubles(Tensor::from({6}, {1, 1.2f, -0.5f, -0.7f, 0, 3})));
  }
  CHECK(effective(net)[3] == double{-0.7f});  // gone, and the float network is as it was
}

TEST_CASE("weight sharing: where k-means begins decides where it ends") {
  const std::vector<float> values{100, 12, 11, 10, 2, 1, 0};
  // From 0, 50 and 100: nothing is near 50, so two are left, 36/6 and 100.
  CHECK(cluster_values(values, 3, CodebookStart::linear, some_random()) ==
        std::vector<double>{6, 100});
  // From the places 7/6, 7/2 and 35/6 in order, 1, 10 and 12: {0, 1, 2}, {10, 11}, {12, 100}, then
  // with the means 1, 10.5 and 56 the 12 changes over.
  CHECK(cluster_values(values, 3, CodebookStart::density, some_random()) ==
        std::vector<double>{1, 11, 100});
  CHECK(cluster_values(values, 1, CodebookStart::linear, some_random())[0] == Approx(136.0 / 7));
  CHECK(cluster_values({2, 1, 2}, 2, CodebookStart::random, some_random()) ==
        std::vector<double>{1, 2});
  CHECK_THROWS_WITH(cluster_values({1, std::numeric_limits<float>::quiet_NaN()}, 1,
                                   CodebookStart::linear, some_random()),
                    Contains("finite"));
}

TEST_CASE("weight sharing: each centroid is the mean of the values nearest to it") {
  const Tensor values = normal({2000}, 8);
  for (const CodebookStart start :
       {CodebookStart::linear, CodebookStart::density, CodebookStart::random}) {
    const std::vector<double> centroids =
        cluster_values({values.values().begin(), values.values().end()}, 16, start, some_random());
    CHECK(centroids.size() >= 12);
    CHECK(centroids.size() <= 16);
    std::vector<double> sums(centroids.size()), counts(centroids.size());
    for (const float value : values.values()) {
      size_t best = 0;
      for (size_t k = 1; k < centroids.size(); ++k) {
        if (std::abs(centroids[k] - double{value}) < std::abs(centroids[best] - double{value}))
          best = k;
      }
      sums[best] += double{value};
      ++counts[best];
    }
    for (size_t k = 0; k < centroids.size(); ++k)
      CHECK(sums[k] / counts[k] == Approx(centroids[k]).margin(1e-9));
  }
}

TEST_CASE("weight sharing: every weight of a cluster gets the sum of the gradients") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, -0.7f, 0, 3});
  WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
  quantizer(net);
  backward(net, Tensor::from({1, 6}, {1, 2, 4, 8, 16, 32}));
  // Clusters {0, 2, 3} and {1, 5}; what is 0 has its own gradient.
  CHECK(doubles(net.parameters()[0].parameter->gradient()) ==
        std::vector<double>{13, 34, 13, 13, 16, 34});
}

TEST_CASE("weight sharing: values move as the centroids of the paper under SGD") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, -0.7f, 3, 2});
  WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
  quantizer(net);
  const double lr = 0.1, momentum = 0.9, decay = 0.05;
  nn::SGD sgd(net, {.lr = lr, .momentum = momentum, .weight_decay = decay});
  // From −0.7 and 3 with the middle 1.15: {1, −0.5, −0.7} and {1.2, 3, 2}.
  const std::vector<int> cluster{0, 1, 0, 0, 1, 1};
  double centroid[2] = {-0.2 / 3, 6.2 / 3}, velocity[2] = {0, 0};
  for (uint64_t step = 0; step < 8; ++step) {
    const Tensor x = normal({1, 6}, step);
    backward(net, x);
    sgd.step();
    double gradient[2] = {0, 0};
    for (int64_t i = 0; i < 6; ++i) gradient[cluster[static_cast<size_t>(i)]] += double{x[i]};
    for (int k = 0; k < 2; ++k) {
      velocity[k] = momentum * velocity[k] + gradient[k] + decay * centroid[k];
      centroid[k] -= lr * velocity[k];
    }
    std::vector<double> expected;
    for (const int k : cluster) expected.push_back(centroid[k]);
    CHECK(same(effective(net), expected));
  }
  CHECK(std::abs(centroid[0] + 0.2 / 3) > 0.1);  // it has moved
}

TEST_CASE("weight sharing: values move as the centroids of the paper under Adam from its start") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, -0.7f, 3, 2});
  nn::Sequential centroids = one_layer({-0.2f / 3, 6.2f / 3});
  WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
  quantizer(net);
  nn::Adam adam(net, {.lr = 0.05}), reference(centroids, {.lr = 0.05});
  for (uint64_t step = 0; step < 8; ++step) {
    const Tensor x = normal({1, 6}, step);
    backward(net, x);
    backward(centroids, Tensor::from({1, 2}, {x[0] + x[2] + x[3], x[1] + x[4] + x[5]}));
    adam.step();
    reference.step();
    const std::vector<double> c = effective(centroids);
    CHECK(same(effective(net), {c[0], c[1], c[0], c[0], c[1], c[1]}));
  }
}

TEST_CASE("weight sharing: clusters are those of the first training forward, and stay") {
  nn::Sequential net = four_layers();
  WeightSharingQuantizer quantizer({{{"q_bits", 2}, {"start_epoch", 1}}});
  quantizer(net);
  nn::SGD sgd(net, {.lr = 0.2});
  CHECK(quantizer.rule_note(0) == "4 shared values");
  CHECK_THROWS_WITH(quantizer.codebook(quantizer.layers()[0]), Contains("before epoch 1"));
  CHECK(quantizer.findings().empty());
  train_four_layers(net, sgd, 1);
  const Tensor stored = net.parameters()[4].parameter->effective_value();
  quantizer.update_epoch(1);
  const LayerInfo& fc1 = quantizer.layers()[2];
  REQUIRE(fc1.name == "fc1");
  CHECK(quantizer.codebook(fc1).values.size() == 4);  // a look
  net.parameters()[4].parameter->load(
      Tensor::generate(stored.shape(), [&](int64_t i) { return stored[(i + 7) % stored.size()]; }));
  const Codebook book = quantizer.codebook(fc1);
  for (uint64_t i = 2; i < 8; ++i) train_four_layers(net, sgd, i);
  const Codebook later = quantizer.codebook(fc1);
  CHECK(later.values != book.values);
  // The values may have changed places, but the weights that shared one still do.
  std::set<std::pair<int32_t, int32_t>> pairs;
  for (size_t i = 0; i < book.indices.size(); ++i)
    pairs.insert({book.indices[i], later.indices[i]});
  CHECK(pairs.size() == 4);
  quantizer.check_laws();
  const std::vector<std::string> findings = quantizer.findings();
  REQUIRE(findings.size() == 4);
  // 1280 weights: 40960 bits against 2560 and 128.
  CHECK(findings[2] == "fc1: 1280 weights share 4 values, 15.2 times smaller");
}

TEST_CASE("weight sharing: masked weights leave their cluster, and return to it or the nearest") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, -0.7f, 3, 2});
  Chosen pruner({{{"masked_weights", "train"}}});
  pruner.kept = {1, 1, 1, 1, 1, 0};
  WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
  quantizer(net);
  pruner(net);
  const Tensor x = Tensor::full({1, 6}, 1);
  net(x);
  // {1, −0.5, −0.7} and {1.2, 3}.
  CHECK(same(effective(net), {-0.2 / 3, 2.1, -0.2 / 3, -0.2 / 3, 2.1, 0}));
  const auto mask = [&](std::vector<float> kept) {
    pruner.kept = std::move(kept);
    pruner.update_epoch(0);
    net(x);
  };
  mask({1, 1, 0, 1, 1, 1});  // the 2, without a cluster, is nearer to 2.1
  CHECK(same(effective(net), {0.15, 6.2 / 3, 0, 0.15, 6.2 / 3, 6.2 / 3}));
  quantizer.check_laws();
  mask({0, 1, 1, 1, 1, 1});
  CHECK(same(effective(net), {0, 6.2 / 3, -0.6, -0.6, 6.2 / 3, 6.2 / 3}));
  // None of its cluster is left, so the 1 alone is its mean again.
  mask({1, 0, 0, 0, 0, 0});
  CHECK(same(effective(net), {1, 0, 0, 0, 0, 0}));
  mask({0, 0, 0, 0, 0, 0});
  CHECK(same(effective(net), {0, 0, 0, 0, 0, 0}));
}

TEST_CASE(
    "weight sharing: weights that were all masked at the start are clustered when they come") {
  nn::Sequential net = one_layer({1, 1.2f, -0.5f, 3});
  Chosen pruner({{{"masked_weights", "train"}}});
  pruner.kept = {0, 0, 0, 0};
  WeightSharingQuantizer quantizer({{{"q_bits", 1}}});
  quantizer(net);
  pruner(net);
  net(Tensor::full({1, 4}, 1));
  pruner.kept = {1, 1, 1, 1};
  pruner.update_epoch(0);
  net(Tensor::full({1, 4}, 1));
  // From −0.5 and 3, the middle 1.25: {1, 1.2, −0.5} and {3}; the means 0.567 and 3.
  CHECK(same(effective(net), {1.7 / 3, 1.7 / 3, 1.7 / 3, 3}));
}

TEST_CASE("weight sharing: what is saved has the same codebook where it is loaded") {
  const std::string path = "/tmp/espalier-sharing-" + std::to_string(getpid());
  nn::Sequential net = four_layers(), again = four_layers();
  WeightSharingQuantizer quantizer, second;
  quantizer(net);
  nn::SGD sgd(net, {.lr = 0.05});
  for (uint64_t i = 0; i < 3; ++i) train_four_layers(net, sgd, i);
  nn::save_weights(net, path);
  nn::load_weights(again, path);
  second(again);
  for (const LayerInfo& layer : quantizer.layers()) {
    const Codebook expected = quantizer.codebook(layer);
    const Codebook found = second.codebook(second.layers()[static_cast<size_t>(layer.index)]);
    CHECK(found.values == expected.values);
    CHECK(found.indices == expected.indices);
    CHECK(expected.values.size() <= 32);
  }
  std::remove(path.c_str());
}

TEST_CASE("weight sharing: a training that is stopped goes on exactly") {
  struct Training {
    Training() {
      pruner(net);
      quantizer(net);
    }
    void run(int from, int to) {
      for (int i = from; i < to; ++i) {
        if (i % 2 == 0) {
          pruner.update_epoch(i / 2);
          quantizer.update_epoch(i / 2);
        }
        train_four_layers(net, sgd, static_cast<uint64_t>(i));
      }
    }
    void visit(nn::StateVisitor state) {
      nn::visit_model_state(net, state);
      {
        const nn::StateVisitor::Scope scope(state, "pruner");
        pruner.visit_state(state);
      }
      quantizer.visit_state(state);
    }
    nn::Sequential net = four_layers();
    AGPruner pruner{{{{"final_sparsity", 0.8}, {"end_epoch", 4}}}};
    WeightSharingQuantizer quantizer{{{{"q_bits", 3}, {"start_epoch", 1}, {"init", "random"}}}};
    nn::SGD sgd{net, {.lr = 0.05, .momentum = 0.9}};
  };
  Training whole;
  whole.run(0, 8);
  for (const int stop : {1, 4, 5}) {  // before sharing has begun, and in it
    Training first, second;
    first.run(0, stop);
    nn::State state;
    first.visit(nn::StateVisitor::saving(state));
    second.visit(nn::StateVisitor::restoring(state));
    second.run(stop, 8);
    const auto expected = whole.net.parameters(), found = second.net.parameters();
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK(doubles(found[i].parameter->effective_value()) ==
            doubles(expected[i].parameter->effective_value()));
    }
  }
}

TEST_CASE("weight sharing: options, as run and out of range") {
  nn::Sequential net = four_layers();
  WeightSharingQuantizer quantizer({{{"support_op", "fc1"}}});
  quantizer(net);
  const Value rule = quantizer.rules_as_run().as_list()[0];
  CHECK(rule.find("q_bits")->as_integer() == 5);
  CHECK(rule.find("init")->as_text() == "linear");
  CHECK(rule.find("start_epoch")->as_integer() == 0);
  const auto attach = [&](Rules rules) { WeightSharingQuantizer(std::move(rules))(net); };
  CHECK_THROWS_WITH(attach({{{"q_bits", 9}}}), Contains("q_bits"));
  CHECK_THROWS_WITH(attach({{{"q_bits", 0}}}), Contains("q_bits"));
  CHECK_THROWS_WITH(attach({{{"init", "forgy"}}}), Contains("init") && Contains("density"));
  CHECK_THROWS_WITH(attach({}), Contains("'fc1' is quantized by WeightSharingQuantizer already"));
}
