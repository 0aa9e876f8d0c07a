// Every type of layer, written as in a file. A new type is some more lines in `examples`, and a row
// in docs/models.md.
#include "espalier/experiment/layers/layer_kinds.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "espalier/autograd/graph.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "support/values.h"

using namespace espalier;
using experiment::LayerChain;
using experiment::LayerKind;
using experiment::LayerKinds;

namespace {

struct Example {
  std::string layer;
  Shape input;
  Shape output;
};

const std::vector<Example> examples = {
    {"Conv2d: {out: 6, kernel: 3}", {7, 9, 4}, {5, 7, 6}},
    {"Conv2d: {in: 4, out: 6, kernel: 3, stride: 2, padding: 1}", {7, 9, 4}, {4, 5, 6}},
    {"Conv2d: {out: 6, kernel: 3, dilation: 3, groups: 2, bias: false}", {7, 9, 4}, {1, 3, 6}},
    {"Conv2d: {kernel: 2, groups: depthwise}", {7, 9, 4}, {6, 8, 4}},
    {"Conv2d: {out: 8, kernel: 1, groups: depthwise}", {7, 9, 4}, {7, 9, 8}},
    {"Conv2d: {out: 2, kernel: 3, groups: depthwise}", {7, 9, 1}, {5, 7, 2}},
    {"Linear: {out: 3}", {5}, {3}},
    {"Linear: {in: 5, out: 3, bias: false}", {5}, {3}},
    {"BatchNorm2d", {3, 2, 4}, {3, 2, 4}},
    {"BatchNorm2d: {in: 4, momentum: 0.2, epsilon: 0.001}", {4}, {4}},
    {"ReLU", {3, 2, 4}, {3, 2, 4}},
    {"ReLU6", {3, 2, 4}, {3, 2, 4}},
    {"LeakyReLU", {5}, {5}},
    {"LeakyReLU: {slope: 0.2}", {5}, {5}},
    {"Sigmoid", {5}, {5}},
    {"Tanh", {3, 2, 4}, {3, 2, 4}},
    {"GELU", {5}, {5}},
    {"Hardswish", {3, 2, 4}, {3, 2, 4}},
    {"Dropout", {5}, {5}},
    {"Dropout: {p: 0.1}", {3, 2, 4}, {3, 2, 4}},
    {"MaxPool2d: {kernel: 2}", {7, 9, 2}, {3, 4, 2}},
    {"MaxPool2d: {kernel: 3, stride: 2, padding: 1}", {7, 9, 2}, {4, 5, 2}},
    {"AvgPool2d: {kernel: 3}", {7, 9, 2}, {2, 3, 2}},
    {"AvgPool2d: {kernel: 4, stride: 1, padding: 2}", {7, 9, 2}, {8, 10, 2}},
    {"GlobalAvgPool2d", {7, 9, 2}, {2}},
    {"Flatten", {7, 9, 2}, {126}},
    {"Flatten", {5}, {5}},
    {"Sequential: [Flatten, Linear: {out: 3}, ReLU]", {2, 2, 2}, {3}},
    {"Sequential: {layers: [Sequential: [ReLU]]}", {5}, {5}},
    {"Residual: [Conv2d: {out: 2, kernel: 3, padding: 1}, BatchNorm2d]", {4, 4, 2}, {4, 4, 2}},
    {"Residual: {body: [Linear: {out: 5}], shortcut: []}", {5}, {5}},
    {"Residual: {body: [MaxPool2d: {kernel: 2}, Conv2d: {out: 4, kernel: 1}], shortcut: [Conv2d: "
     "{out: 4, kernel: 1, stride: 2}]}",
     {4, 4, 2},
     {2, 2, 4}},
    {"Concat: [[Conv2d: {out: 3, kernel: 1}], [], [Conv2d: {out: 4, kernel: 3, padding: 1}, ReLU]]",
     {4, 4, 2},
     {4, 4, 9}},
    {"Concat: {branches: [[Linear: {out: 3}], [Linear: {out: 4}]]}", {5}, {7}},
};

LayerChain chain_of(const compress::Value& list, const Shape& input) {
  return experiment::read_layers(list, "layers", input, {LayerKinds::with_builtin(), ""});
}

/// The rows of tables in docs/models.md by the type that they start with.
std::map<std::string, std::string> rows_of_the_page() {
  std::ifstream page(ESPALIER_SOURCE_DIR "/docs/models.md");
  REQUIRE(page);
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    rows[line.substr(3, line.find('`', 3) - 3)] = line;
  }
  return rows;
}

}  // namespace

TEST_CASE("every type of layer is made from its text, and makes the shape that was planned",
          "[model]") {
  for (const Example& example : examples) {
    CAPTURE(example.layer);
    const compress::Value list = compress::parse_yaml("- " + example.layer, "net.yaml");
    const LayerChain chain = chain_of(list, example.input);
    CHECK(chain.output == example.output);
    nn::Sequential net = chain.make();
    net.eval();
    NoGrad no_grad;
    std::vector<int64_t> batch{2};
    batch.insert(batch.end(), example.input.begin(), example.input.end());
    const Tensor y = net(test::normal(Shape(std::span<const int64_t>(batch)), 1));
    std::vector<int64_t> expected{2};
    expected.insert(expected.end(), example.output.begin(), example.output.end());
    CHECK(y.shape() == Shape(std::span<const int64_t>(expected)));

    const LayerChain again = chain_of(
        compress::parse_yaml(compress::to_yaml(chain.written()), "again.yaml"), example.input);
    CHECK(again.written() == chain.written());
    CHECK(again.output == chain.output);
  }
}

TEST_CASE("every type of layer is in the examples, and with its options in the page", "[model]") {
  const LayerKinds kinds = LayerKinds::with_builtin();
  const std::map<std::string, std::string> rows = rows_of_the_page();
  for (const LayerKind& kind : kinds.entries()) {
    CAPTURE(kind.name);
    CHECK(rows.count(kind.name) == 1);
    CHECK(std::any_of(examples.begin(), examples.end(), [&](const Example& example) {
      return example.layer.substr(0, example.layer.find(':')) == kind.name;
    }));
  }
  for (const Example& example : examples) {
    const compress::Value list = compress::parse_yaml("- " + example.layer, "net.yaml");
    const compress::Value written = chain_of(list, example.input).written();
    const compress::Member& layer = written.as_list().front().as_map().front();
    for (const compress::Member& option : layer.value.as_map()) {
      if (option.key == "name") continue;
      CAPTURE(layer.key, option.key);
      CHECK(rows.at(layer.key).find("`" + option.key + "`") != std::string::npos);
      // Listings say the options too.
      CHECK(kinds.find(layer.key)->description.find(option.key) != std::string::npos);
    }
  }
}

TEST_CASE("options reach the layer", "[model]") {
  const auto layer = [](const std::string& text, const Shape& input) {
    const LayerChain chain = chain_of(compress::parse_yaml("- " + text, "net.yaml"), input);
    nn::Sequential net = chain.make();
    net.eval();
    return net;
  };
  NoGrad no_grad;
  const Tensor x = Tensor::from({1, 3}, std::vector<float>{-1, 4, 8});
  CHECK(test::doubles(layer("ReLU6", {3})(x)) == std::vector<double>{0, 4, 6});
  CHECK(test::doubles(layer("LeakyReLU: {slope: 0.5}", {3})(x)) == std::vector<double>{-0.5, 4, 8});
  CHECK(test::doubles(layer("Hardswish", {3})(x))[1] == Approx(4));
  CHECK(test::doubles(layer("Sigmoid", {3})(x))[0] == Approx(0.2689414));
  CHECK(test::doubles(layer("Tanh", {3})(x))[0] == Approx(-0.7615942));
  CHECK(test::doubles(layer("GELU", {3})(x))[0] == Approx(-0.1586553).margin(1e-3));
  CHECK(test::doubles(layer("Dropout: {p: 0.9}", {3})(x)) == test::doubles(x));
  nn::Sequential dropout = layer("Dropout: {p: 0}", {3});
  dropout.train();
  CHECK(test::doubles(dropout(x)) == test::doubles(x));
  // √(1 + ε) = 2 with the running variance still 1.
  CHECK(test::doubles(layer("BatchNorm2d: {epsilon: 3}", {3})(x)) ==
        std::vector<double>{-0.5, 2, 4});
  nn::Sequential norm = layer("BatchNorm2d: {momentum: 1}", {1});
  norm.train();
  norm(Tensor::from({2, 1}, std::vector<float>{3, 5}));
  norm.eval();
  // Mean 4 and unbiased variance 2 at once, as the newest batch alone counts.
  CHECK(test::doubles(norm(Tensor::from({1, 1}, std::vector<float>{4 + std::sqrt(2.0f)})))[0] ==
        Approx(1).epsilon(1e-4));
  const Tensor picture = Tensor::from({1, 2, 2, 1}, std::vector<float>{1, 2, 3, 6});
  CHECK(test::doubles(layer("AvgPool2d: {kernel: 2}", {2, 2, 1})(picture)) ==
        std::vector<double>{3});
  CHECK(test::doubles(layer("MaxPool2d: {kernel: 2}", {2, 2, 1})(picture)) ==
        std::vector<double>{6});
  CHECK(test::doubles(layer("Residual: [ReLU]", {3})(x)) == std::vector<double>{-1, 8, 16});
  CHECK(test::doubles(layer("Residual: {body: [ReLU], shortcut: [ReLU]}", {3})(x)) ==
        std::vector<double>{0, 8, 16});
  CHECK(test::doubles(layer("Concat: [[ReLU], []]", {3})(x)) ==
        std::vector<double>{0, 4, 8, -1, 4, 8});
}
