#include "espalier/compress/structure/channel_groups.h"

#include <catch2/catch.hpp>

#include "espalier/compress/structure/batch_norm_folding.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/models.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

/// `conv1.weight/0 conv1.bias/0 …` of the group.
std::string members(const ChannelGroup& group) {
  std::string text;
  for (const ChannelMember& member : group.members)
    text += (text.empty() ? "" : " ") + member.name() + "/" + std::to_string(member.axis);
  return text;
}

const ChannelGroup& group_of(const ChannelGroups& groups, const std::string& layer) {
  for (const ChannelGroup& group : groups.all()) {
    for (const std::string& producer : group.producers()) {
      if (producer == layer) return group;
    }
  }
  throw Error("test", "no group of " + layer);
}

ChannelGroups groups_of(nn::Module& model, const Shape& sample) {
  return ChannelGroups(Graph::of(model, sample));
}

using Indices = std::vector<int64_t>;

/// x + 1, as an operation that nobody knows.
class PlusOne : public nn::Module {
 public:
  PlusOne() : Module("PlusOne") {}

 private:
  Tensor forward(const Tensor& x) override {
    return espalier::record("plus_one", {&x},
                            Tensor::generate(x.shape(), [&](int64_t i) { return x[i] + 1; }), {},
                            [](const Tensor& g, InputGradients& into) { into.add(0, g); });
  }
};

}  // namespace

TEST_CASE("channel groups: a chain, with each channel spread over the pixels behind a flatten") {
  nn::Sequential net = test::four_layers();
  const ChannelGroups groups = groups_of(net, {8, 8, 1});
  REQUIRE(groups.all().size() == 5);
  CHECK(groups.all()[0].pinned == "its channels are the network's input");
  CHECK(members(groups.all()[0]) == "conv1.weight/3");
  const ChannelGroup& conv1 = group_of(groups, "conv1");
  CHECK(conv1.channels == 4);
  CHECK(conv1.pinned.empty());
  CHECK(members(conv1) == "conv1.weight/0 conv1.bias/0 conv2.weight/3");
  const ChannelGroup& conv2 = group_of(groups, "conv2");
  CHECK(members(conv2) == "conv2.weight/0 conv2.bias/0 fc1.weight/1");
  CHECK(conv2.members[0].indices[3] == Indices{3});
  Indices pixels;  // of 4×4
  for (int64_t i = 48; i < 64; ++i) pixels.push_back(i);
  CHECK(conv2.members[2].indices[3] == pixels);
  CHECK(group_of(groups, "fc2").pinned == "its channels are the network's result");
}

TEST_CASE("channel groups: a residual addition makes one group of all that is added") {
  nn::Sequential net = nn::named_model("resnet20").make();
  const ChannelGroups groups = groups_of(net, {32, 32, 3});
  const ChannelGroup& stage = group_of(groups, "conv1");
  CHECK(stage.producers() ==
        std::vector<std::string>{"conv1", "block1.conv2", "block2.conv2", "block3.conv2"});
  CHECK(stage.describe() == "conv1 and 3 more layers");
  const std::string all = members(stage);
  for (const char* part : {"bn1.weight/0", "bn1.running_var/0", "block1.conv1.weight/3",
                           "block4.conv1.weight/3", "block4.shortcut.conv.weight/3"}) {
    INFO(part);
    CHECK(all.find(part) != std::string::npos);
  }
  CHECK(group_of(groups, "block1.conv1").producers() == std::vector<std::string>{"block1.conv1"});
  CHECK(group_of(groups, "block7.conv2").channels == 64);
  CHECK(groups.all().size() == 1 + 3 + 9 + 1);  // input, stages, insides of blocks, result
}

TEST_CASE("channel groups: a concatenation puts its parts behind each other") {
  nn::Sequential net{nn::Concat{nn::Conv2d({.in = 1, .out = 2, .kernel = 1}),
                                nn::Conv2d({.in = 1, .out = 3, .kernel = 1})},
                     nn::ReLU(), nn::Conv2d({.in = 5, .out = 2, .kernel = 1})};
  const ChannelGroups groups = groups_of(net, {4, 4, 1});
  const ChannelGroup& second = group_of(groups, "0.1");
  CHECK(second.channels == 3);
  CHECK(members(second) == "0.1.weight/0 0.1.bias/0 2.weight/3");
  CHECK(second.members[2].indices == std::vector<Indices>{{2}, {3}, {4}});
}

TEST_CASE("channel groups: an addition to a concatenation splits the filters of the other layer") {
  nn::Sequential net{
      nn::Residual(nn::Sequential(nn::Concat{nn::Conv2d({.in = 3, .out = 2, .kernel = 1}),
                                             nn::Conv2d({.in = 3, .out = 3, .kernel = 1})}),
                   nn::Sequential(nn::Conv2d({.in = 3, .out = 5, .kernel = 1}))),
      nn::Conv2d({.in = 5, .out = 2, .kernel = 1})};
  const ChannelGroups groups = groups_of(net, {4, 4, 3});
  const ChannelGroup& first = group_of(groups, "0.0.0");
  const ChannelGroup& second = group_of(groups, "0.0.1");
  CHECK(members(first) == members(group_of(groups, "0.shortcut.0")));
  CHECK(first.channels == 2);
  CHECK(second.channels == 3);
  CHECK(second.members[0].name() == "0.shortcut.0.weight");
  CHECK(second.members[0].indices == std::vector<Indices>{{2}, {3}, {4}});
}

TEST_CASE("channel groups: depthwise convolutions hand channels on, other groups go whole") {
  nn::Sequential mobile = nn::named_model("mobilenet").make();
  const ChannelGroups of_mobile = groups_of(mobile, {32, 32, 3});
  const ChannelGroup& first = group_of(of_mobile, "conv1");
  CHECK(first.producers() == std::vector<std::string>{"conv1", "block1.depthwise"});
  CHECK(first.channels == 32);

  nn::Sequential net{nn::Conv2d({.in = 1, .out = 4, .kernel = 1}),
                     nn::Conv2d({.in = 4, .out = 6, .kernel = 1, .groups = 2}),
                     nn::Conv2d({.in = 6, .out = 2, .kernel = 1})};
  const ChannelGroups groups = groups_of(net, {4, 4, 1});
  const ChannelGroup& grouped = group_of(groups, "1");
  CHECK(grouped.channels == 2);
  CHECK(grouped.producers() == std::vector<std::string>{"0", "1"});
  CHECK(grouped.members[0].indices == std::vector<Indices>{{0, 1}, {2, 3}});
  CHECK(grouped.members[2].indices == std::vector<Indices>{{0, 1, 2}, {3, 4, 5}});
}

TEST_CASE("channel groups: channels through a sigmoid stay") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 3}), nn::Sigmoid(),
                     nn::Linear({.in = 3, .out = 2})};
  CHECK(group_of(groups_of(net, {2}), "0").pinned ==
        "zero does not stay zero in sigmoid (in layer '1')");
}

TEST_CASE("channel groups: an operation that is not known is named with its layer") {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 2, .out = 3})).add("odd", PlusOne());
  CHECK_THROWS_WITH(groups_of(net, {2}),
                    Catch::Contains("cannot follow the operation plus_one (in layer 'odd')"));
}

TEST_CASE("zero channels: by weights, γ and β, and through additions") {
  nn::Residual net(nn::Sequential(nn::Conv2d({.in = 2, .out = 2, .kernel = 1}),
                                  nn::BatchNorm2d({.channels = 2})),
                   nn::Sequential(nn::Conv2d({.in = 2, .out = 2, .kernel = 1})));
  const auto load = [&](const std::string& path, std::initializer_list<float> values) {
    for (const nn::NamedParameter& named : net.parameters()) {
      if (named.path() == path)
        named.parameter->load(Tensor::from(named.parameter->shape(), values));
    }
  };
  load("0.weight", {1, 2, 3, 4});
  load("1.weight", {0, 0});
  load("1.bias", {0, 1});
  load("shortcut.0.weight", {0, 0, 0, 0});
  load("shortcut.0.bias", {0, 0});
  const Graph graph = Graph::of(net, {1, 1, 2});
  const auto zero = zero_channels(graph, false);
  CHECK(zero[static_cast<size_t>(graph.result())] == std::vector<bool>{true, false});
  const auto masked = zero_channels(graph, true);
  CHECK(masked[static_cast<size_t>(graph.result())] == std::vector<bool>{false, false});
}

TEST_CASE("batch norm folding: factors and shifts by hand, and where it cannot be") {
  nn::Sequential net{nn::Conv2d({.in = 1, .out = 1, .kernel = 1}),
                     nn::BatchNorm2d({.channels = 1, .epsilon = 1}), nn::ReLU(),
                     nn::BatchNorm2d({.channels = 1})};
  auto& record = *net.children()[1]->record();
  record.parameters[0]->load(Tensor::from({1}, {6}));
  record.parameters[1]->load(Tensor::from({1}, {5}));
  record.buffers[0]->value = Tensor::from({1}, {2});
  record.buffers[1]->value = Tensor::from({1}, {8});
  const auto folds = batch_norm_folds(Graph::of(net, {2, 2, 1}));
  REQUIRE(folds.size() == 1);  // the second follows a ReLU
  CHECK(folds[0].weighted == 0);
  CHECK(folds[0].batch_norm == 1);
  CHECK(folds[0].affine.factors == std::vector<float>{2});  // 6/√(8 + 1)
  CHECK(folds[0].affine.shifts == std::vector<float>{1});   // 5 − 2·2
}
