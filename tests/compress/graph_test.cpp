#include "espalier/compress/structure/graph.h"

#include <catch2/catch.hpp>

#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/models.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

std::vector<std::string> kinds(const Graph& graph) {
  std::vector<std::string> all;
  for (const NetworkOperation& operation : graph.operations()) all.push_back(operation.kind);
  return all;
}

const NetworkOperation& in_layer(const Graph& graph, const std::string& layer) {
  for (const NetworkOperation& operation : graph.operations()) {
    if (operation.layer == layer) return operation;
  }
  throw Error("test", "no operation in " + layer);
}

/// 2·x, made by hand where the trace cannot see it.
class ByHand : public nn::Module {
 public:
  ByHand() : Module("ByHand") {}

 private:
  Tensor forward(const Tensor& x) override {
    return Tensor::generate(x.shape(), [&](int64_t i) { return 2 * x[i]; });
  }
};

}  // namespace

TEST_CASE("graph: operations of a chain with their layers, parameters, values and shapes") {
  nn::Sequential net = test::four_layers();
  net.train();
  const Graph graph = Graph::of(net, {8, 8, 1});
  CHECK(net.training());
  CHECK(kinds(graph) == std::vector<std::string>{"conv2d", "relu", "conv2d", "relu", "flatten",
                                                 "linear", "linear"});
  const NetworkOperation& conv2 = graph.operation(2);
  CHECK(conv2.layer == "conv2");
  CHECK(conv2.layer_type == "Conv2d");
  CHECK(&conv2.weight() == net.parameters()[2].parameter);
  CHECK(conv2.bias() == net.parameters()[3].parameter);
  CHECK(conv2.attribute("groups") == 1);
  CHECK(conv2.input() == graph.operation(1).output);
  CHECK(graph.value(conv2.input()).consumers == std::vector<int>{2});
  CHECK(graph.value(conv2.output).producer == 2);
  CHECK(graph.value(conv2.output).shape == Shape{1, 4, 4, 8});
  CHECK(graph.value(0).shape == Shape{1, 8, 8, 1});
  CHECK(graph.value(0).producer == -1);
  CHECK(graph.result() == graph.operation(6).output);
  CHECK(graph.value(graph.result()).consumers.empty());
  CHECK_THROWS_WITH(conv2.attribute("slope"),
                    Catch::Contains("conv2d (in layer 'conv2') has no attribute 'slope'"));
}

TEST_CASE("graph: a value with two consumers, and both inputs of an addition") {
  nn::Residual net(nn::Sequential(nn::Conv2d({.in = 2, .out = 2, .kernel = 1, .bias = false}),
                                  nn::BatchNorm2d({.channels = 2})));
  const Graph graph = Graph::of(net, {3, 3, 2});
  CHECK(kinds(graph) == std::vector<std::string>{"conv2d", "batch_norm", "add"});
  CHECK(graph.value(0).consumers == std::vector<int>{0, 2});
  CHECK(graph.operation(0).bias() == nullptr);
  CHECK(graph.operation(1).buffer("running_var").value.size() == 2);
  const NetworkOperation& sum = graph.operation(2);
  CHECK(sum.layer.empty());
  CHECK(sum.inputs[0].value == graph.operation(1).output);
  CHECK(sum.inputs[1].value == 0);
}

TEST_CASE("graph: the grid of a quantized tensor is with the value, and no operation") {
  nn::Sequential net = test::four_layers();
  QATQuantizer quantizer;
  quantizer(net);
  net(test::normal({4, 8, 8, 1}, 3));  // ranges are followed in training
  const Graph graph = Graph::of(net, {8, 8, 1});
  CHECK(kinds(graph) == std::vector<std::string>{"conv2d", "relu", "conv2d", "relu", "flatten",
                                                 "linear", "linear"});
  REQUIRE(graph.value(0).grid);
  CHECK(graph.value(0).grid->lowest == 0);
  CHECK(graph.value(0).grid->highest == 255);
  REQUIRE(graph.value(graph.operation(1).output).grid);  // behind the ReLU
  CHECK(graph.value(graph.operation(1).output).grid->zero_point == 0);
  CHECK_FALSE(graph.value(graph.operation(0).output).grid);  // in front of it
  CHECK(graph.value(graph.result()).grid);
  for (const NetworkOperation& operation : graph.operations())
    CHECK_FALSE(operation.inputs[0].grid);
}

TEST_CASE("graph: a grid in front of one of several readers is with that reader") {
  nn::Residual net(nn::Sequential(nn::Conv2d({.in = 2, .out = 2, .kernel = 1}), nn::ReLU()));
  DoReFaQuantizer quantizer(
      Rules{{{"weight_bits", 2}, {"activation_bits", 2}, {"support_op", "0"}}});
  quantizer(net);
  const Graph graph = Graph::of(net, {3, 3, 2});
  CHECK(kinds(graph) == std::vector<std::string>{"conv2d", "relu", "add"});
  CHECK_FALSE(graph.value(0).grid);
  REQUIRE(graph.operation(0).inputs[0].grid);
  CHECK(graph.operation(0).inputs[0].grid->scale == 1.0f / 3);
  CHECK(graph.operation(0).inputs[0].grid->highest == 3);
  CHECK_FALSE(graph.operation(2).inputs[1].grid);
}

TEST_CASE("graph: of every named network") {
  for (const nn::NamedModel& model : nn::named_models()) {
    INFO(model.name);
    nn::Sequential net = model.make();
    const Graph graph = Graph::of(net, model.sample);
    CHECK(graph.value(graph.result()).shape == Shape{1, 10});
    for (const NetworkOperation& operation : graph.operations()) {
      if (operation.kind == "conv2d" || operation.kind == "linear")
        CHECK(operation.weight().shape() == operation.inputs[1].shape);
    }
  }
  nn::Sequential net = nn::named_model("resnet20").make();
  CHECK(in_layer(Graph::of(net, {32, 32, 3}), "block4").kind == "add");
}

TEST_CASE("graph: a result that was made by hand is an error") {
  nn::Sequential net{nn::ReLU(), ByHand()};
  CHECK_THROWS_WITH(Graph::of(net, {4}), Catch::Contains("made by hand"));
}
