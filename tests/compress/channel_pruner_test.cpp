#include "espalier/compress/pruners/channel_pruner.h"

#include <catch2/catch.hpp>

#include <functional>

#include "espalier/compress/pruners/fpgm_pruner.h"
#include "espalier/compress/pruners/l1_filter_pruner.h"
#include "espalier/compress/pruners/l2_filter_pruner.h"
#include "espalier/compress/pruners/slim_pruner.h"
#include "espalier/compress/pruners/taylor_pruner.h"
#include "espalier/compress/structure/channel_removal.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using Catch::Contains;

namespace {

nn::Parameter& named(nn::Module& net, const std::string& path) {
  for (const nn::NamedParameter& each : net.parameters()) {
    if (each.path() == path) return *each.parameter;
  }
  throw Error("test", "no " + path);
}

void load(nn::Module& net, const std::string& path, std::initializer_list<float> values) {
  named(net, path).load(Tensor::from(named(net, path).shape(), values));
}

std::vector<double> values(nn::Module& net, const std::string& path) {
  return test::doubles(named(net, path).effective_value());
}

/// 1 → 4 → 2 channels with a batch normalisation in between.
nn::Sequential small_net() {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 1, .out = 4, .kernel = 1}))
      .add("bn", nn::BatchNorm2d({.channels = 4}))
      .add("relu", nn::ReLU())
      .add("last", nn::Conv2d({.in = 4, .out = 2, .kernel = 1}));
  return net;
}

const Shape small_sample{2, 2, 1};

/// A stem of 8 channels, a residual block of 8 with 6 inside, and a classifier.
nn::Sequential block_net() {
  nn::Residual block;
  block.add("conv1", nn::Conv2d({.in = 8, .out = 6, .kernel = 3, .padding = 1, .bias = false}))
      .add("bn1", nn::BatchNorm2d({.channels = 6}))
      .add("relu1", nn::ReLU())
      .add("conv2", nn::Conv2d({.in = 6, .out = 8, .kernel = 3, .padding = 1, .bias = false}))
      .add("bn2", nn::BatchNorm2d({.channels = 8}));
  nn::Sequential net;
  net.add("stem", nn::Conv2d({.in = 2, .out = 8, .kernel = 3, .padding = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 8}))
      .add("relu", nn::ReLU())
      .add("block", std::move(block))
      .add("relu2", nn::ReLU())
      .add("flatten", nn::Flatten())
      .add("fc", nn::Linear({.in = 8 * 16, .out = 3}));
  nn::initialise(net, 7);
  return net;
}

const Shape block_sample{4, 4, 2};

void train_block(nn::Module& net, nn::Optimizer& optimizer, uint64_t seed) {
  net.train();
  optimizer.zero_grad();
  nn::cross_entropy(net(test::normal({5, 4, 4, 2}, seed)), {0, 1, 2, 0, 1}).backward();
  optimizer.step();
}

template <class Pruner>
std::vector<double> scores_of(const Tensor& weight) {
  Pruner pruner;
  return pruner.score_filters("conv", weight);
}

}  // namespace

TEST_CASE("filter scores: by hand") {
  const Tensor weight = Tensor::from({3, 2}, {3, -4, 0, 0, 1, 1});
  CHECK(scores_of<L1FilterPruner>(weight) == std::vector<double>{7, 0, 2});
  CHECK(scores_of<L2FilterPruner>(weight) == std::vector<double>{5, 0, std::sqrt(2.0)});
  const double ab = 5, ac = std::sqrt(4.0 + 25), bc = std::sqrt(2.0);
  const std::vector<double> distances = scores_of<FPGMPruner>(weight);
  CHECK(distances[0] == Approx(ab + ac));
  CHECK(distances[1] == Approx(ab + bc));
  CHECK(distances[2] == Approx(ac + bc));
}

TEST_CASE("channel pruner: masks all that belongs to a channel, and what reads it") {
  nn::Sequential net = small_net();
  load(net, "conv.weight", {4, -1, 2, 3});
  load(net, "conv.bias", {1, 1, 1, 1});
  load(net, "bn.weight", {1, 1, 1, 1});
  load(net, "bn.bias", {5, 5, 5, 5});
  load(net, "last.weight", {1, 2, 3, 4, 5, 6, 7, 8});
  L1FilterPruner pruner(Rules{{{"sparsity", 0.5}, {"multiple", 1}}});
  pruner(net, small_sample);
  CHECK(values(net, "conv.weight") == std::vector<double>{4, 0, 0, 3});
  CHECK(values(net, "conv.bias") == std::vector<double>{1, 0, 0, 1});
  CHECK(values(net, "bn.weight") == std::vector<double>{1, 0, 0, 1});
  CHECK(values(net, "bn.bias") == std::vector<double>{5, 0, 0, 5});
  CHECK(values(net, "last.weight") == std::vector<double>{1, 0, 0, 4, 5, 0, 0, 8});
  CHECK(pruner.excluded().size() == 1);
  CHECK(pruner.excluded()[0].why == "its channels are the network's result");

  const auto removed = remove_dead_channels(net, small_sample, {.masked_only = true});
  REQUIRE(removed.size() == 1);
  CHECK(removed[0].after == 2);
  CHECK(values(net, "bn.bias") == std::vector<double>{5, 5});
  pruner.update_epoch(1);  // half of four are gone: nothing more goes
  net.train();
  net(test::normal({3, 2, 2, 1}, 1));
  CHECK(pruner.live_channels(pruner.groups()[1]) == 2);
}

TEST_CASE("channel pruner: scores are added in a group, and what stays is a multiple") {
  nn::Sequential net = block_net();
  nn::Parameter &stem = named(net, "stem.weight"), &conv2 = named(net, "block.conv2.weight");
  // Channel c scores 18·(c + 1) in the stem and 54·(8 − c) in the block: the last ones go.
  stem.load(Tensor::generate(stem.shape(), [](int64_t i) { return 1.0f + float(i / 18); }));
  conv2.load(Tensor::generate(conv2.shape(), [](int64_t i) { return 8.0f - float(i / 54); }));
  L1FilterPruner pruner(Rules{{{"sparsity", 0.4}, {"multiple", 4}}});
  pruner(net, block_sample);
  // 0.6·8 = 4.8 channels stay, of multiples of 4 that is 4; inside 3.6, hence 4 of 6.
  const std::vector<double> scale = values(net, "bn.weight");
  CHECK(scale == std::vector<double>{1, 1, 1, 1, 0, 0, 0, 0});
  CHECK(values(net, "block.bn2.weight") == scale);
  const auto inside = values(net, "block.bn1.weight");
  CHECK(std::count(inside.begin(), inside.end(), 0.0) == 2);
}

TEST_CASE("channel pruner: a group that has no more than the multiple stays whole and is noted") {
  nn::Sequential net = block_net();
  L2FilterPruner pruner(Rules{{{"sparsity", 0.5}, {"multiple", 7}}});
  pruner(net, block_sample);
  REQUIRE(pruner.notes().size() == 1);
  CHECK(pruner.notes()[0] ==
        "block.conv1 stays whole: it has 6 channels, and what stays is a multiple of 7");
  CHECK(pruner.live_channels(pruner.groups()[1]) == 7);  // of 8, half is 4
}

TEST_CASE("channel pruner: global ranks what is above or below the mean of its layer") {
  nn::Sequential net = block_net();
  nn::Parameter &conv1 = named(net, "block.conv1.weight"), &stem = named(net, "stem.weight"),
                &conv2 = named(net, "block.conv2.weight");
  // Inside the block scores are 1 1 1 5 5 5 times the same, outside all are equal.
  conv1.load(Tensor::generate(conv1.shape(), [](int64_t i) { return i / 72 < 3 ? 10.0f : 50.0f; }));
  stem.load(Tensor::full(stem.shape(), 1e-3f));
  conv2.load(Tensor::full(conv2.shape(), 1e-3f));
  L1FilterPruner pruner(Rules{{{"sparsity", 0.2}, {"multiple", 1}, {"scope", "global"}}});
  pruner(net, block_sample);
  // 0.2·14 = 3 channels: those three, however small the weights of the others.
  CHECK(values(net, "block.bn1.weight") == std::vector<double>{0, 0, 0, 1, 1, 1});
  CHECK(values(net, "bn.weight") == std::vector<double>(8, 1));
}

TEST_CASE("channel pruner: along the cubic, and masked channels do not come back") {
  nn::Sequential net = block_net();
  L1FilterPruner pruner(
      Rules{{{"sparsity", 0.5}, {"multiple", 1}, {"start_epoch", 1}, {"end_epoch", 4}}});
  pruner(net, block_sample);
  nn::SGD optimizer(net, {.lr = 0.05, .momentum = 0.9});
  std::vector<int64_t> live;
  for (int epoch = 0; epoch < 6; ++epoch) {
    pruner.update_epoch(epoch);
    train_block(net, optimizer, static_cast<uint64_t>(epoch));
    live.push_back(pruner.live_channels(pruner.groups()[1]));
  }
  // Sparsity 0, 0, 0.5·(1 − 1/8) = 0.4375, 0.5: of 8 channels 8, 8, 4.5 → 5, 4.
  CHECK(live == std::vector<int64_t>{8, 8, 5, 4, 4, 4});
}

TEST_CASE("channel pruner: a tie is one in floating point too") {
  struct Example {
    int64_t channels;
    double sparsity;
    int64_t multiple, stay;
  };
  // (1 − sparsity)·channels is half way between two multiples: of two the larger.
  for (const Example& e :
       {Example{240, 0.9, 16, 32}, Example{120, 0.8, 16, 32}, Example{160, 0.85, 16, 32},
        Example{60, 0.8, 8, 16}, Example{120, 0.9, 8, 16}, Example{15, 0.9, 1, 2},
        Example{25, 0.9, 1, 3}}) {
    INFO(e.channels << " channels, sparsity " << e.sparsity);
    nn::Sequential net{nn::Linear({.in = 2, .out = e.channels}),
                       nn::Linear({.in = e.channels, .out = 1})};
    nn::initialise(net, 3);
    L1FilterPruner pruner(Rules{{{"sparsity", e.sparsity}, {"multiple", e.multiple}}});
    pruner(net, {2});
    CHECK(pruner.live_channels(pruner.groups()[1]) == e.stay);
  }
}

TEST_CASE("channel pruner: what could not be attached may be attached to another network") {
  L1FilterPruner pruner(Rules{{{"sparsity", 0.5}, {"multiple", 1}, {"support_op", "conv"}}});
  nn::Sequential other = block_net();
  CHECK_THROWS_WITH(pruner(other, block_sample), Contains("conv"));
  nn::Sequential net = small_net();
  nn::initialise(net, 3);
  pruner(net, small_sample);
  CHECK(pruner.live_channels(pruner.groups()[1]) == 2);
  nn::State state;
  auto saving = nn::StateVisitor::saving(state);
  pruner.visit_state(saving);

  // An error in the scores, when masks have been put in place already.
  class Wrong : public ChannelPruner {
   public:
    using ChannelPruner::ChannelPruner;
    std::vector<double> score_filters(const std::string&, const Tensor&) override { return {1}; }
  };
  nn::Sequential untouched = small_net();
  Wrong wrong(Rules{{{"sparsity", 0.5}, {"multiple", 1}}});
  for (int attempt = 0; attempt < 2; ++attempt)
    CHECK_THROWS_WITH(wrong(untouched, small_sample), Contains("1 scores"));
}

TEST_CASE("fpgm pruner: filters that are gone are no neighbours") {
  // One by one the filter nearest the others' median goes, wherever 0 is.
  nn::Sequential net{nn::Linear({.in = 1, .out = 8, .bias = false}),
                     nn::Linear({.in = 8, .out = 1, .bias = false})};
  load(net, "0.weight", {10, 11, 12, 20, 10.9f, 11.1f, 11.05f, 10.95f});
  FPGMPruner pruner(Rules{{{"sparsity", 0.5}, {"multiple", 1}, {"end_epoch", 4}}});
  pruner(net, {1});
  net.train();
  for (int epoch = 0; epoch < 4; ++epoch) {
    pruner.update_epoch(epoch);
    net(Tensor::from({1, 1}, {1}));
  }
  CHECK(values(net, "0.weight") == std::vector<double>{10, 0, 12, 20, 10.9f, 0, 0, 0});
}

TEST_CASE("channel pruner: the masked network trains as the removed one does") {
  for (const bool adam : {false, true}) {
    const auto make = [&](nn::Module& net) -> std::unique_ptr<nn::Optimizer> {
      if (adam) return std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01});
      return std::make_unique<nn::SGD>(
          net, nn::SGD::Options{.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
    };
    nn::Sequential masked = block_net(), removed = block_net();
    L1FilterPruner one(Rules{{{"sparsity", 0.5}, {"multiple", 1}}});
    L1FilterPruner other(Rules{{{"sparsity", 0.5}, {"multiple", 1}}});
    one(masked, block_sample);
    other(removed, block_sample);
    const auto its = make(masked), other_its = make(removed);
    for (uint64_t i = 0; i < 8; ++i) {
      if (i == 3) remove_dead_channels(removed, block_sample, {.masked_only = true});
      train_block(masked, *its, i);
      train_block(removed, *other_its, i);
    }
    CHECK(named(removed, "fc.weight").shape() == Shape{3, 64});
    masked.eval();
    removed.eval();
    const Tensor x = test::normal({4, 4, 4, 2}, 50);
    CHECK(test::largest_difference(removed(x), masked(x)) < 1e-4);
  }
}

TEST_CASE("slim pruner: the penalty moves scales, one percentile over all layers") {
  nn::Sequential net = small_net();
  load(net, "bn.weight", {1, -1, 0.5, 2});
  SlimPruner pruner(
      Rules{{{"sparsity", 0.5}, {"lambda", 0.25}, {"multiple", 1}, {"start_epoch", 1}}});
  pruner(net, small_sample);
  nn::SGD optimizer(net, {.lr = 1});
  net.train();
  sum(multiply(net(test::normal({3, 2, 2, 1}, 1)), Tensor::zeros({3, 2, 2, 2}))).backward();
  const std::vector<double> gradient = test::doubles(named(net, "bn.weight").gradient());
  CHECK(gradient == std::vector<double>{0.25, -0.25, 0.25, 0.25});
  optimizer.step();
  CHECK(values(net, "bn.weight") == std::vector<double>{0.75, -0.75, 0.25, 1.75});
  load(net, "bn.weight", {0.75, -0.8, 0.25, 1.75});
  pruner.update_epoch(1);
  net(test::normal({3, 2, 2, 1}, 1));
  CHECK(values(net, "bn.weight") == std::vector<double>{0, -0.8f, 0, 1.75});
  optimizer.zero_grad();
  sum(multiply(net(test::normal({3, 2, 2, 1}, 1)), Tensor::zeros({3, 2, 2, 2}))).backward();
  CHECK(test::doubles(named(net, "bn.weight").gradient()) == std::vector<double>(4, 0));
}

TEST_CASE("slim pruner: scales behind a concatenation have the rules of the channels they scale") {
  nn::Concat joined;
  joined.add("a", nn::Conv2d({.in = 1, .out = 2, .kernel = 1}))
      .add("b", nn::Conv2d({.in = 1, .out = 3, .kernel = 1}));
  nn::Sequential net;
  net.add("joined", std::move(joined))
      .add("bn", nn::BatchNorm2d({.channels = 5}))
      .add("relu", nn::ReLU())
      .add("last", nn::Conv2d({.in = 5, .out = 2, .kernel = 1}));
  load(net, "bn.weight", {1, -1, 0.5, 2, -3});
  SlimPruner pruner(Rules{{{"sparsity", 0.5},
                           {"lambda", 0.25},
                           {"multiple", 1},
                           {"start_epoch", 1},
                           {"support_op", "joined.b"}}});
  pruner(net, small_sample);
  net.train();
  sum(multiply(net(test::normal({3, 2, 2, 1}, 1)), Tensor::zeros({3, 2, 2, 2}))).backward();
  CHECK(test::doubles(named(net, "bn.weight").gradient()) ==
        std::vector<double>{0, 0, 0.25, 0.25, -0.25});
  CHECK(pruner.notes().empty());
}

TEST_CASE("slim pruner: a penalty that has no step to act in is noted") {
  nn::Sequential net = small_net();
  SlimPruner pruner(Rules{{{"sparsity", 0.5}, {"multiple", 1}}});
  pruner(net, small_sample);
  REQUIRE(pruner.notes().size() == 1);
  CHECK_THAT(pruner.notes()[0], Contains("rule 1") && Contains("penalty never acts"));
}

TEST_CASE("slim pruner: layers without batch normalisation are left out") {
  nn::Sequential net = test::four_layers();
  SlimPruner pruner(Rules{{{"sparsity", 0.5}}});
  pruner(net, {8, 8, 1});
  CHECK(pruner.layers().empty());
  SlimPruner other(Rules{{{"sparsity", 0.5}, {"support_op", "conv1"}}});
  CHECK_THROWS_WITH(other(net, {8, 8, 1}), Contains("'conv1', which cannot lose channels"));
}

TEST_CASE("taylor pruner: the square of gradient times weight, averaged over batches") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 3, .bias = false}),
                     nn::Linear({.in = 3, .out = 1, .bias = false})};
  load(net, "0.weight", {1, 2, 3, 4, 5, 6});
  load(net, "1.weight", {1, -2, 0.5});
  TaylorPruner pruner(Rules{{{"sparsity", 0.4}, {"multiple", 1}, {"support_op", "0"}}});
  pruner(net, {2});
  net.train();
  // y = Σ_o v_o·(W_o·x), so that g·w of filter o is v_o·(W_o·x).
  sum(net(Tensor::from({1, 2}, {1, 0}))).backward();  // 1·1, −2·3, 0.5·5
  sum(net(Tensor::from({1, 2}, {0, 1}))).backward();  // 1·2, −2·4, 0.5·6
  const std::vector<double> scores = pruner.score_filters("0", {});
  CHECK(scores == std::vector<double>{(1 + 4) / 2.0, (36 + 64) / 2.0, (6.25 + 9) / 2.0});
  pruner.update_epoch(1);
  net(Tensor::from({1, 2}, {1, 0}));
  CHECK(values(net, "0.weight") == std::vector<double>{0, 0, 3, 4, 5, 6});
  CHECK_THROWS_WITH(TaylorPruner(Rules{{{"sparsity", 0.4}, {"start_epoch", 0}}})(net, {2}),
                    Contains("start_epoch") && Contains("in [1, "));
}

TEST_CASE("channel pruner: what it refuses") {
  nn::Sequential net = block_net();
  CHECK_THROWS_WITH(L1FilterPruner(Rules{{{"sparsity", 0.5}}})(net),
                    Contains("needs the shape of a sample"));
  L1FilterPruner two(Rules{{{"sparsity", 0.5}, {"multiple", 1}},
                           {{"sparsity", 0.2}, {"multiple", 1}, {"support_op", "block.conv2"}}});
  CHECK_THROWS_WITH(two(net, block_sample), Contains("cut together with those of 'stem'"));
  nn::Sequential again = block_net();
  L1FilterPruner part(Rules{{{"sparsity", 0.5}, {"multiple", 1}},
                            {{"prune", false}, {"support_op", "block.conv2"}}});
  part(again, block_sample);
  REQUIRE(part.notes().size() == 1);
  CHECK_THAT(part.notes()[0], Contains("stem stays whole") && Contains("block.conv2"));
  CHECK(values(again, "bn.weight") == std::vector<double>(8, 1));
}

TEST_CASE("channel pruner: a training goes on exactly where it stopped, shrunk and not") {
  for (const std::string kind : {"taylor", "slim", "fpgm"}) {
    INFO(kind);
    const auto make = [&]() -> std::unique_ptr<ChannelPruner> {
      const Rules rules{{{"sparsity", 0.5}, {"multiple", 1}, {"start_epoch", 1}, {"end_epoch", 4}}};
      if (kind == "taylor") return std::make_unique<TaylorPruner>(rules);
      if (kind == "slim") return std::make_unique<SlimPruner>(rules);
      return std::make_unique<FPGMPruner>(rules);
    };
    struct Training {
      nn::Sequential net = block_net();
      std::unique_ptr<ChannelPruner> pruner;
      std::unique_ptr<nn::Optimizer> optimizer;
      explicit Training(std::unique_ptr<ChannelPruner> made) : pruner(std::move(made)) {
        (*pruner)(net, block_sample);
        optimizer = std::make_unique<nn::SGD>(net, nn::SGD::Options{.lr = 0.05, .momentum = 0.9});
      }
      void run(int first, int last) {
        for (int i = first; i < last; ++i) {
          if (i % 2 == 0) pruner->update_epoch(i / 2);
          train_block(net, *optimizer, static_cast<uint64_t>(i));
          if (i % 2 == 1) remove_dead_channels(net, block_sample, {.masked_only = true});
        }
      }
      void visit(nn::StateVisitor& state) {
        nn::visit_model_state(net, state);
        pruner->visit_state(state);
        optimizer->visit_state(state);
      }
    };
    for (const int stop : {3, 5, 6}) {
      INFO(stop);
      Training whole(make());
      whole.run(0, stop);
      nn::State state;
      auto saving = nn::StateVisitor::saving(state);
      whole.visit(saving);
      whole.run(stop, 10);

      Training other(make());
      std::map<std::string, Shape> shapes;
      for (const auto& [name, value] : state.values) {
        const Tensor* tensor = std::get_if<Tensor>(&value);
        if (tensor && name.ends_with(".latent"))
          shapes[name.substr(0, name.size() - 7)] = tensor->shape();
      }
      fit_channels(other.net, block_sample, shapes);
      auto restoring = nn::StateVisitor::restoring(state);
      other.visit(restoring);
      restoring.require_all_used();
      other.run(stop, 10);
      const auto ours = whole.net.parameters(), theirs = other.net.parameters();
      for (size_t i = 0; i < ours.size(); ++i) {
        CHECK(test::doubles(ours[i].parameter->effective_value()) ==
              test::doubles(theirs[i].parameter->effective_value()));
      }
      CHECK(named(whole.net, "fc.weight").shape()[1] < 128);
    }
  }
}
