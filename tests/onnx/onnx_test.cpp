#include "espalier/compress/export/onnx.h"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "onnx/interpreter.h"
#include "onnx/network_outputs.h"
#include "onnx/sample_networks.h"
#include "support/files.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;
using Extents = std::vector<int64_t>;

namespace {

/// What was written, read back, and valid by ONNX's own checker, with every operator's shapes as
/// they were declared.
onnx::ModelProto exported(const file::Network& network, const compress::OnnxOptions& options = {}) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "net.onnx";
  compress::export_onnx(network, path, options);
  const testing::Bytes bytes = testing::content_of(path);
  onnx::ModelProto model;
  REQUIRE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  onnx::checker::check_model(model);
  onnx::ModelProto inferred = model;
  onnx::shape_inference::InferShapes(inferred, onnx::OpSchemaRegistry::Instance(),
                                     {true, 1, false});
  return model;
}

const onnx::NodeProto& node_of(const onnx::ModelProto& model, const std::string& output) {
  for (const onnx::NodeProto& node : model.graph().node()) {
    if (node.output(0) == output) return node;
  }
  FAIL("no node makes " << output);
  throw 0;
}
const onnx::TensorProto& constant_of(const onnx::ModelProto& model, const std::string& name) {
  for (const onnx::TensorProto& tensor : model.graph().initializer()) {
    if (tensor.name() == name) return tensor;
  }
  FAIL("there is no constant " << name);
  throw 0;
}
Array numbers_of(const onnx::ModelProto& model, const std::string& name) {
  return numbers(constant_of(model, name));
}
std::vector<std::string> types(const onnx::ModelProto& model) {
  std::vector<std::string> types;
  for (const onnx::NodeProto& node : model.graph().node()) types.push_back(node.op_type());
  return types;
}
std::vector<int64_t> integers(const onnx::NodeProto& node, const std::string& attribute) {
  for (const onnx::AttributeProto& each : node.attribute()) {
    if (each.name() == attribute) return {each.ints().begin(), each.ints().end()};
  }
  FAIL(node.name() << " has no " << attribute);
  return {};
}
/// `N×2×3`, the open axis as −1.
Extents shape_of(const onnx::ValueInfoProto& info) {
  CHECK(info.type().tensor_type().elem_type() == onnx::TensorProto::FLOAT);
  Extents shape;
  for (const auto& extent : info.type().tensor_type().shape().dim()) {
    shape.push_back(extent.has_dim_value() ? extent.dim_value() : -1);
  }
  return shape;
}

/// Samples as ONNX takes them.
Array channels_first(const Tensor& x) {
  const Shape& shape = x.shape();
  if (shape.axes() == 2) return {{shape[0], shape[1]}, doubles(x)};
  Array moved{{shape[0], shape[3], shape[1], shape[2]}, {}};
  for (int64_t n = 0; n < shape[0]; ++n)
    for (int64_t c = 0; c < shape[3]; ++c)
      for (int64_t p = 0; p < shape[1] * shape[2]; ++p) {
        moved.values.push_back(double{x[(n * shape[1] * shape[2] + p) * shape[3] + c]});
      }
  return moved;
}

/// A convolution 2×2 from 2 channels to 1 and a linear layer, on pictures of 2×3.
file::Network small() {
  file::Convolution conv;
  conv.weights.shape = {1, 2, 2, 2};
  conv.weights.values = {1, 10, 2, 20, 3, 30, 4, 40};  // each place its two channels
  conv.bias.values = {0.5};
  conv.clamp = file::Clamp::relu;
  file::Linear linear;
  linear.weights.shape = {3, 2};
  linear.weights.values = {1, 2, 3, 4, 5, 6};
  file::Network network;
  network.values = {{{2, 3, 2}, {}}, {{1, 2, 1}, {}}, {{2}, {}}, {{3}, {}}};
  network.operations = {
      {"conv1", {0}, 1, conv}, {"flatten", {1}, 2, file::Flatten()}, {"fc", {2}, 3, linear}};
  return network;
}

/// The same with codes for all values but the last.
file::Network small_with_codes() {
  file::Network network = small();
  network.values[0].grid = file::Grid{.scale = 0.5, .zero_point = -28};
  network.values[1].grid = file::Grid{.scale = 2, .zero_point = -128};
  network.values[2].grid = network.values[1].grid;
  auto& conv = std::get<file::Convolution>(network.operations[0].what);
  conv.weights.values.clear();
  conv.weights.codes = {1, 10, 2, 20, -3, 30, 4, -40};
  conv.weights.scales = {0.25};
  conv.bias = {{}, {7}, 0};
  auto& linear = std::get<file::Linear>(network.operations[2].what);
  linear.weights.values.clear();
  linear.weights.codes = {200, 0, -55, 1, 2, 3};  // an affine grid with zero point 55
  linear.weights.scales = {1, 2, 4};
  return network;
}

}  // namespace

TEST_CASE("ONNX's checks notice a shape that an operator does not give") {
  file::Network network = small();
  network.values[1].shape = {2, 1, 1};
  CHECK_THROWS_WITH(exported(network), Catch::Contains("conv1"));
}

TEST_CASE("a small network, by hand") {
  const onnx::ModelProto model = exported(small());
  CHECK(model.ir_version() == 8);
  REQUIRE(model.opset_import_size() == 1);
  CHECK(model.opset_import(0).version() == 17);
  REQUIRE(model.graph().input_size() == 1);
  CHECK(model.graph().input(0).name() == "input");
  CHECK(shape_of(model.graph().input(0)) == Extents{-1, 2, 2, 3});
  REQUIRE(model.graph().output_size() == 1);
  CHECK(model.graph().output(0).name() == "logits");
  CHECK(shape_of(model.graph().output(0)) == Extents{-1, 3});

  CHECK(types(model) == std::vector<std::string>{"Conv", "Relu", "Flatten", "Gemm"});
  CHECK(node_of(model, "conv1").op_type() == "Relu");
  const onnx::NodeProto& conv = node_of(model, "conv1.unclamped");
  CHECK(integers(conv, "kernel_shape") == Extents{2, 2});
  CHECK(integers(conv, "strides") == Extents{1, 1});
  CHECK(integers(conv, "pads") == Extents{0, 0, 0, 0});
  CHECK(integers(conv, "dilations") == Extents{1, 1});
  CHECK(conv.input(1) == "conv1.weight");
  CHECK(conv.input(2) == "conv1.bias");
  const Array weight = numbers_of(model, "conv1.weight");
  CHECK(weight.shape == Extents{1, 2, 2, 2});
  CHECK(weight.values == std::vector<double>{1, 2, 3, 4, 10, 20, 30, 40});
  CHECK(numbers_of(model, "fc.weight").values == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(node_of(model, "logits").input_size() == 2);  // no bias

  // The first channel is 1 2 3 / 4 5 6, the second ten times smaller:
  // 0.5 + 2·(1 + 2·2 + 3·4 + 4·5) = 74.5 and 0.5 + 2·(2 + 2·3 + 3·5 + 4·6) = 94.5.
  const Array picture{{1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, .1, .2, .3, .4, .5, .6}};
  const Array logits = interpret(model, picture);
  CHECK(logits.shape == Extents{1, 3});
  CHECK(logits.values[0] == Approx(74.5 + 2 * 94.5));
  CHECK(logits.values[1] == Approx(3 * 74.5 + 4 * 94.5));
  CHECK(logits.values[2] == Approx(5 * 74.5 + 6 * 94.5));
}

TEST_CASE("weights and biases that are stored as codes or in a codebook are written as numbers") {
  file::Network network = small();
  auto& conv = std::get<file::Convolution>(network.operations[0].what);
  conv.weights.values.clear();
  conv.weights.indices = {0, 1, 2, 2, 1, 0, 0, 2};
  conv.weights.codebook = {0, -1.5, 4};
  conv.bias = {{}, {-6}, 0.25};
  auto& linear = std::get<file::Linear>(network.operations[2].what);
  linear.weights.values.clear();
  linear.weights.codes = {1, -2, 255, 0, 3, -255};
  linear.weights.scales = {0.5, 1, 2};
  const onnx::ModelProto model = exported(network);
  CHECK(numbers_of(model, "conv1.weight").values ==
        std::vector<double>{0, 4, -1.5, 0, -1.5, 4, 0, 4});
  CHECK(numbers_of(model, "conv1.bias").values == std::vector<double>{-1.5});
  CHECK(numbers_of(model, "fc.weight").values == std::vector<double>{.5, -1, 255, 0, 6, -510});
  linear.weights.scales = {0.5};
  CHECK(numbers_of(exported(network), "fc.weight").values ==
        std::vector<double>{.5, -1, 127.5, 0, 1.5, -127.5});
}

TEST_CASE("values with codes are quantized and dequantized, by hand") {
  const onnx::ModelProto model = exported(small_with_codes());
  CHECK(types(model) ==
        std::vector<std::string>{"QuantizeLinear", "DequantizeLinear",                    // input
                                 "DequantizeLinear", "DequantizeLinear", "Conv", "Relu",  //
                                 "QuantizeLinear", "DequantizeLinear",                    //
                                 "Flatten", "QuantizeLinear", "DequantizeLinear",         //
                                 "DequantizeLinear", "Gemm"});
  // Code −28 is 100 as uint8.
  CHECK(numbers_of(model, "input.zero_point").values == std::vector<double>{100});
  CHECK(constant_of(model, "input.zero_point").data_type() == onnx::TensorProto::UINT8);
  CHECK(numbers_of(model, "input.scale").values == std::vector<double>{0.5});
  CHECK(numbers_of(model, "conv1.zero_point").values == std::vector<double>{0});
  CHECK(constant_of(model, "conv1.weight.codes").data_type() == onnx::TensorProto::INT8);
  CHECK(numbers_of(model, "conv1.weight.codes").values ==
        std::vector<double>{1, 2, -3, 4, 10, 20, 30, -40});
  CHECK(numbers_of(model, "conv1.weight.zero_point").values == std::vector<double>{0});
  CHECK(constant_of(model, "conv1.bias.codes").data_type() == onnx::TensorProto::INT32);
  CHECK(numbers_of(model, "conv1.bias.codes").values == std::vector<double>{7});
  CHECK(numbers_of(model, "conv1.bias.scale").values == std::vector<double>{0.125});
  // Codes from −55 to 200 do not fit int8.
  CHECK(constant_of(model, "fc.weight.codes").data_type() == onnx::TensorProto::UINT8);
  CHECK(numbers_of(model, "fc.weight.codes").values == std::vector<double>{255, 55, 0, 56, 57, 58});
  CHECK(numbers_of(model, "fc.weight.zero_point").values == std::vector<double>{55, 55, 55});
  CHECK(numbers_of(model, "fc.weight.scale").values == std::vector<double>{1, 2, 4});

  // Inputs are rounded to halves: 1.3 → 1.5. The first pixel is 0.25·(1·1.5 + 10·2) + 7/8 = 6.25,
  // 3 steps of 2; the second sees zeros, and 7/8 is less than half a step.
  const Array picture{{1, 2, 2, 3}, {1.3, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}};
  const Array logits = interpret(model, picture);
  // 6·(200, −55·2, 2·4).
  CHECK(logits.values == std::vector<double>{1200, -660, 48});
}

TEST_CASE("a grid of fewer codes than the type has is limited by itself") {
  file::Network network = small_with_codes();
  network.values[1].grid = file::Grid{.scale = 2, .zero_point = -8, .lowest = -8, .highest = 7};
  network.values[2].grid = network.values[1].grid;
  const onnx::ModelProto model = exported(network);
  const onnx::NodeProto& clip = node_of(model, "conv1.limited");
  CHECK(clip.op_type() == "Clip");
  CHECK(numbers_of(model, clip.input(1)).values == std::vector<double>{0});
  CHECK(numbers_of(model, clip.input(2)).values == std::vector<double>{30});
}

TEST_CASE("a model that normalises, and one that says how to") {
  file::Network network = small();
  network.normalisation = {{0.5, 0.25}, {2}};
  const onnx::ModelProto without = exported(network);
  CHECK(types(without).front() == "Conv");
  REQUIRE(without.metadata_props_size() == 2);
  CHECK(without.metadata_props(0).key() == "mean");
  CHECK(without.metadata_props(0).value() == "0.5 0.25");
  CHECK(without.metadata_props(1).key() == "deviation");
  CHECK(without.metadata_props(1).value() == "2");

  const onnx::ModelProto with = exported(network, {.normalise = true});
  CHECK(types(with) == std::vector<std::string>{"Sub", "Div", "Conv", "Relu", "Flatten", "Gemm"});
  CHECK(with.metadata_props_size() == 0);
  const Array pixels{{1, 2, 2, 3}, {.5, 1, .25, 0, .5, 1, .1, .2, .3, .4, .5, .6}};
  Array normalised = pixels;
  for (size_t i = 0; i < 12; ++i) {
    normalised.values[i] = (normalised.values[i] - (i < 6 ? 0.5 : 0.25)) / 2;
  }
  CHECK(largest_difference(interpret(with, pixels).values, interpret(without, normalised).values) <
        1e-12);

  network.normalisation.mean = {1, 2, 3};
  CHECK_THROWS_WITH(exported(network, {.normalise = true}),
                    Catch::Contains("3 values for 2 channels"));
}

TEST_CASE("networks of all operations: valid, and ONNX's operators give our outputs") {
  for (const SampleNetwork& sample : sample_networks()) {
    if (sample.name == "vgg") continue;  // nothing but larger
    INFO(sample.name);
    Extents extents = sample.network.values[0].shape;
    extents.insert(extents.begin(), 2);
    const Tensor x = normal(Shape(extents), 3);
    const auto check = [&](const file::Network& network, double tolerance) {
      const onnx::ModelProto model = exported(network);
      const Tensor ours = NetworkValues(network, x).output();
      const Array theirs = interpret(model, channels_first(x));
      CHECK(theirs.shape == Extents{2, ours.shape()[1]});
      CHECK(largest_difference(theirs.values, doubles(ours)) < tolerance);
      std::set<std::string> names;
      for (const onnx::NodeProto& node : model.graph().node()) names.insert(node.name());
      CHECK(static_cast<int>(names.size()) == model.graph().node_size());
    };
    check(sample.network, 1e-5);
    // In double a number in the middle of two codes may become the other one than in float.
    if (sample.name.ends_with("_codes")) check(with_codes(sample.network, 16), 0.02);
  }
}

TEST_CASE("conversions between codes and numbers") {
  // Numbers → codes → coarser codes → numbers.
  file::Network network;
  network.values = {{{3}, {}},
                    {{3}, file::Grid{.scale = 0.5}},
                    {{3}, file::Grid{.scale = 2, .zero_point = 1}},
                    {{3}, {}}};
  for (int i = 0; i < 3; ++i) network.operations.push_back({"", {i}, i + 1, file::Convert()});
  const onnx::ModelProto model = exported(network);
  // 0.3 → 0.5 → 0; −2.6 → −2.5 → −2; 300 → 63.5, the largest code → 64.
  CHECK(interpret(model, {{1, 3}, {0.3, -2.6, 300}}).values == std::vector<double>{0, -2, 64});
}

TEST_CASE("networks that contradict themselves are refused by name, and leave no file") {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const file::Network& network, const std::string& text) {
    CHECK_THROWS_WITH(compress::export_onnx(network, folder / "net.onnx"), Catch::Contains(text));
    CHECK(std::filesystem::is_empty(folder.path()));
  };
  refused({}, "[onnx] the network has no operations");
  file::Network network = small();
  network.operations[1].inputs = {2};
  refused(network, "no result of an operation before (at flatten)");
  network = small();
  network.operations[1].output = 1;
  refused(network, "the output is not a value of its own (at flatten)");
  network = small();
  network.operations[0].layer = "";
  std::get<file::Convolution>(network.operations[0].what).weights.values.pop_back();
  refused(network, "7 weights for the shape 1×2×2×2 (at operation 0)");
  network = small();
  std::get<file::Convolution>(network.operations[0].what).bias.values = {1, 2};
  refused(network, "2 biases for 1 channels (at conv1)");
  network = small();
  std::get<file::Convolution>(network.operations[0].what).groups = 2;
  refused(network, "weights of shape 1×2×2×2 in 2 groups do not fit 2 channels (at conv1)");
  network = small();
  std::get<file::Linear>(network.operations[2].what).weights.shape = {2, 3};
  refused(network, "weights of shape 2×3 do not fit an input of 2 (at fc)");
  network = small();
  network.operations.pop_back();
  refused(network, "no operation makes the last value");
  network = small();
  network.values[1].shape = {1, 2};
  refused(network, "a value has the shape 1×2");
  network = small();
  network.values[0].grid = file::Grid{};
  refused(network, "the input has codes, but the weights have none (at conv1)");
  network = small_with_codes();
  std::get<file::Linear>(network.operations[2].what).weights.codes[1] = -100;
  refused(network, "codes from -100 to 200, more than 8 bits hold (at fc)");
  network = small_with_codes();
  network.values[1].grid->highest = 300;
  refused(network, "a grid of codes -128 to 300 with zero point -128 and scale 2 (at conv1)");

  CHECK_THROWS_WITH(compress::export_onnx(small(), folder / "missing/net.onnx"),
                    Catch::Contains("missing/net.onnx"));
}
