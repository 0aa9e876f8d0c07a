// A network as an engine runs it, compared with what the framework computes.
#include "espalier/compress/export/describe.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/export/verify_simulation.h"
#include "espalier/compress/file/reference.h"
#include "espalier/compress/file/write.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/quantizers/naive_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/models.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

Tensor one_sample(const Shape& sample, uint64_t seed) {
  std::vector<int64_t> batch{1};
  batch.insert(batch.end(), sample.begin(), sample.end());
  return normal(Shape(std::span<const int64_t>(batch)), seed);
}

/// Gives batch normalisations statistics, and quantizers ranges, that are not those of the start.
void train_forward(nn::Module& net, const Shape& sample, int batches = 3) {
  std::vector<int64_t> batch{16};
  batch.insert(batch.end(), sample.begin(), sample.end());
  net.train();
  for (int i = 0; i < batches; ++i)
    net(normal(Shape(std::span<const int64_t>(batch)), 100 + static_cast<uint64_t>(i)));
  net.eval();
}

/// The result of the description for normalised values.
std::vector<double> described(const file::Network& network, const Tensor& x) {
  const file::Reference reference(network);
  const file::Contents result = reference.all_values(reference.of_numbers(doubles(x))).back();
  if (!network.values.back().grid) return result.numbers;
  std::vector<double> numbers;
  for (const int64_t code : result.codes)
    numbers.push_back(double{network.values.back().grid->scale} *
                      static_cast<double>(code - network.values.back().grid->zero_point));
  return numbers;
}

void require_same_results(nn::Module& net, const Shape& sample, double tolerance) {
  const file::Network network = describe(net, {.sample = sample});
  net.eval();
  const NoGrad no_grad;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const Tensor x = one_sample(sample, seed);
    CHECK(largest_difference(described(network, x), doubles(net(x))) < tolerance);
  }
}

/// Four pictures, as bytes and as a model takes them that is given pixel/255.
struct Pictures {
  std::vector<std::vector<uint8_t>> bytes;
  Tensor values;
};
Pictures some_pictures(const Shape& sample) {
  Pictures pictures;
  NewTensor values({4, sample[0], sample[1], sample[2]});
  int64_t place = 0;
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    pictures.bytes.push_back(file::self_test_pixels(seed, sample.elements()));
    for (const uint8_t byte : pictures.bytes.back())
      values[place++] = static_cast<float>(byte) / 255.0f;
  }
  pictures.values = std::move(values);
  return pictures;
}

/// The model beside a network, layer by layer from the codes that the runtime has.
std::vector<SimulationCheck> simulated(nn::Module& net, const Description& description,
                                       const Shape& sample) {
  const Pictures pictures = some_pictures(sample);
  return verify_simulation(net, description, pictures.values,
                           runtime_values(description.network, pictures.bytes));
}

template <class What>
int count(const file::Network& network) {
  return static_cast<int>(std::count_if(
      network.operations.begin(), network.operations.end(),
      [](const auto& operation) { return std::holds_alternative<What>(operation.what); }));
}

/// Every kind of layer on 8×8 pictures.
nn::Sequential many_layers() {
  nn::Sequential net;
  nn::Residual block;
  block.add("conv", nn::Conv2d({.in = 8, .out = 8, .kernel = 3, .padding = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 8}));
  nn::Concat branches;
  branches.add("wide", nn::Conv2d({.in = 8, .out = 4, .kernel = 3, .padding = 1, .dilation = 1}))
      .add("deep",
           nn::Sequential(nn::Conv2d({.in = 8, .out = 8, .kernel = 3, .padding = 1, .groups = 8}),
                          nn::Hardswish()));
  net.add("conv1", nn::Conv2d({.in = 3, .out = 8, .kernel = 3, .padding = 1}))
      .add("bn1", nn::BatchNorm2d({.channels = 8}))
      .add("relu1", nn::ReLU6())
      .add("block", std::move(block))
      .add("relu2", nn::ReLU())
      .add("max", nn::MaxPool2d({.kernel = 3, .stride = 1, .padding = 1}))
      .add("branches", std::move(branches))
      .add("alone", nn::BatchNorm2d({.channels = 12}))
      .add("gelu", nn::GELU())
      .add("average", nn::AvgPool2d({.kernel = 2}))
      .add("drop", nn::Dropout({.p = 0.5}))
      .add("flatten", nn::Flatten())
      .add("fc1", nn::Linear({.in = 192, .out = 10, .bias = false}))
      .add("tanh", nn::Tanh())
      .add("fc2", nn::Linear({.in = 10, .out = 4}));
  nn::initialise(net, 3);
  return net;
}

}  // namespace

TEST_CASE("describe: float networks compute what the framework does") {
  const Shape picture{8, 8, 3};
  nn::Sequential net = many_layers();
  train_forward(net, picture);
  require_same_results(net, picture, 1e-5);

  const file::Network network =
      describe(net, {.sample = picture, .mean = {0.5f}, .deviation = {0.2f}});
  CHECK(network.normalisation.mean == std::vector<float>{0.5f});
  CHECK(network.values.front().shape == std::vector<int64_t>{8, 8, 3});
  CHECK(network.values.back().shape == std::vector<int64_t>{4});
  // conv1, the block's, two branches, and the normalisation that stands alone.
  CHECK(count<file::Convolution>(network) == 5);
  CHECK(count<file::Linear>(network) == 2);
  CHECK(count<file::Activation>(network) == 3);  // ReLU and ReLU6 belong to what is in front
  CHECK(count<file::Convert>(network) == 0);
}

TEST_CASE("describe: the named models") {
  for (const char* name : {"lenet300", "lenet5", "mobilenet"}) {
    INFO(name);
    nn::Sequential net = nn::named_model(name).make();
    nn::initialise(net, 1);
    train_forward(net, nn::named_model(name).sample, 1);
    require_same_results(net, nn::named_model(name).sample, 1e-5);
  }
}

TEST_CASE("describe: masks are zeros, quantized weights are codes") {
  nn::Sequential net = four_layers();
  LevelPruner pruner({{{"sparsity", 0.75}}});
  pruner(net);
  NaiveQuantizer quantizer;
  quantizer(net);
  require_same_results(net, {8, 8, 1}, 1e-5);

  const file::Network network = describe(net, {.sample = {8, 8, 1}});
  for (const auto& operation : network.operations) {
    if (const auto* conv = std::get_if<file::Convolution>(&operation.what)) {
      REQUIRE_FALSE(conv->weights.codes.empty());
      CHECK(std::count(conv->weights.codes.begin(), conv->weights.codes.end(), 0) * 4 >=
            static_cast<int64_t>(conv->weights.codes.size()) * 3);
      CHECK_FALSE(network.values[static_cast<size_t>(operation.output)].has_codes());
    }
  }
}

TEST_CASE("describe: what is quantized is integers from the first value to the last") {
  const Shape picture{8, 8, 3};
  const std::vector<Rules> forms{{},
                                 {{{"q_bits", 4}, {"first_last_bits", 4}}},
                                 {{{"per_channel", false}}},
                                 {{{"symmetric", true}}}};
  for (const Rules& rules : forms) {
    INFO(to_yaml(rules.to_value()));
    nn::Sequential net = many_layers();
    QATQuantizer quantizer(rules);
    quantizer(net);
    train_forward(net, picture);
    const file::Network network = describe(net, {.sample = picture});
    // HardSwish, GELU and tanh are computed from float32: their inputs have no grid. Everything
    // else is on codes.
    CHECK(network.values.front().has_codes());
    CHECK(network.values.back().has_codes());
    for (const auto& operation : network.operations) {
      if (std::holds_alternative<file::Convolution>(operation.what) ||
          std::holds_alternative<file::Linear>(operation.what)) {
        INFO(operation.layer);
        CHECK(network.values[static_cast<size_t>(operation.inputs[0])].has_codes());
      }
    }
    // Rounding on the way differs in the last bit now and then, which moves a code by one step.
    const double step = network.values.back().grid->scale;
    const NoGrad no_grad;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const Tensor x = one_sample(picture, seed), y = net(x);
      const std::vector<double> integer = described(network, x);
      for (size_t i = 0; i < integer.size(); ++i)
        CHECK(std::abs(integer[i] - y[static_cast<int64_t>(i)]) < 3.01 * step);
    }
    // From the same codes, every layer comes out beside the runtime's.
    const auto checks = simulated(net, describe_followed(net, {.sample = picture}), picture);
    CHECK(checks.size() > 10);
    for (const SimulationCheck& check : checks) {
      INFO(check.layer << ": " << check.furthest << " of " << check.allowed);
      CHECK(check.compared > 0);
      CHECK(check.passed());
      CHECK(check.allowed < 0.6);
    }
  }
}

TEST_CASE("describe: the simulation notices a layer that is not the model's") {
  const Shape picture{8, 8, 1};
  nn::Sequential net = four_layers();
  QATQuantizer quantizer;
  quantizer(net);
  train_forward(net, picture);
  const Description right = describe_followed(net, {.sample = picture});
  const auto layer_of = [](Description& description, const char* name) -> file::Convolution& {
    for (file::Operation& operation : description.network.operations) {
      if (operation.layer == name) return std::get<file::Convolution>(operation.what);
    }
    throw std::runtime_error("no such layer");
  };
  const auto failed = [&](const Description& description) {
    std::vector<std::string> layers;
    for (const SimulationCheck& check : simulated(net, description, picture)) {
      if (!check.passed()) layers.push_back(check.layer);
    }
    return layers;
  };
  CHECK(failed(right).empty());

  // Weights, biases, scales: only where they are, for what is behind starts from equal codes.
  Description wrong = right;
  file::Weights& weights = layer_of(wrong, "conv1").weights;
  for (size_t i = 0; i < weights.codes.size(); i += 9)  // of each channel the first
    weights.codes[i] = static_cast<int16_t>(weights.codes[i] > 0 ? -100 : 100);
  CHECK(failed(wrong) == std::vector<std::string>{"relu1"});
  wrong = right;
  const file::Grid& result = *wrong.network.values[1].grid;
  const file::Grid& input = *wrong.network.values[0].grid;
  file::Convolution& first = layer_of(wrong, "conv1");
  for (size_t o = 0; o < first.bias.codes.size(); ++o) {  // a tenth of a step or a little more
    const double step = double{input.scale} * first.weights.scale(static_cast<int64_t>(o));
    first.bias.codes[o] += static_cast<int32_t>(std::ceil(result.scale / 10 / step));
  }
  CHECK(failed(wrong) == std::vector<std::string>{"relu1"});
  wrong = right;
  for (float& scale : layer_of(wrong, "conv2").weights.scales) scale *= 1.01f;
  CHECK(failed(wrong) == std::vector<std::string>{"relu2"});

  // The model keeps its quantizers, and a description of another one is refused.
  CHECK(failed(right).empty());
  wrong.quantized.pop_back();
  CHECK_THROWS_WITH(simulated(net, wrong, picture), Contains("more values than"));
}

TEST_CASE("describe: at few bits weights are stored on finer steps, for the biases' sake") {
  // One product of the largest codes is as large as the whole range of the results, so steps of
  // scale_w·scale_x are a third of those of the results.
  const Shape picture{4, 4, 1};
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 1, .out = 2, .kernel = 1})).add("relu", nn::ReLU());
  nn::initialise(net, 1);
  QATQuantizer quantizer({{{"weight_bits", 2}, {"first_last_bits", 2}}});
  quantizer(net);
  train_forward(net, picture);
  for (nn::NamedParameter& named : net.parameters()) {
    if (named.parameter->name() == "bias")
      named.parameter->load(Tensor::from({2}, {0.0123f, 0.0f}));
  }
  const Description description = describe_followed(net, {.sample = picture});
  const auto& conv = std::get<file::Convolution>(description.network.operations[0].what);
  const double step = double{description.network.values[0].grid->scale} * conv.weights.scale(0);
  CHECK(step * 32 <= description.network.values[1].grid->scale);
  CHECK(std::abs(conv.weights.codes[0]) >= 32);  // it was 1
  CHECK(std::abs(conv.weights.codes[1]) == std::abs(conv.weights.codes[0]));
  for (const SimulationCheck& check : simulated(net, description, picture)) CHECK(check.passed());
}

TEST_CASE("describe: a layer that is left out computes in float32 between the others") {
  nn::Sequential net = four_layers();
  QATQuantizer quantizer({{{"q_bits", 8}}, {{"exclude", true}, {"op_names", "conv2"}}});
  quantizer(net);
  train_forward(net, {8, 8, 1});
  const file::Network network = describe(net, {.sample = {8, 8, 1}});
  CHECK(count<file::Convert>(network) > 0);
  const NoGrad no_grad;
  const Tensor x = one_sample({8, 8, 1}, 1), y = net(x);
  CHECK(largest_difference(described(network, x), doubles(y)) < 0.03);
}

TEST_CASE("describe: biases of integers are coarse by no more than a 128th of a step") {
  nn::Sequential net = four_layers();
  QATQuantizer quantizer;
  quantizer(net);
  train_forward(net, {8, 8, 1});
  const file::Network network = describe(net, {.sample = {8, 8, 1}});
  for (const auto& operation : network.operations) {
    const auto* conv = std::get_if<file::Convolution>(&operation.what);
    if (!conv) continue;
    const auto& input = network.values[static_cast<size_t>(operation.inputs[0])];
    const auto& result = network.values[static_cast<size_t>(operation.output)];
    nn::Parameter* bias = nullptr;
    for (const nn::NamedParameter& named : net.parameters()) {
      if (named.path() == operation.layer + ".bias") bias = named.parameter;
    }
    REQUIRE(bias != nullptr);
    const Tensor wanted = bias->effective_value();
    for (int64_t o = 0; o < wanted.size(); ++o) {
      const double step = double{conv->weights.scale(o)} * input.grid->scale;
      const double stored = conv->bias.codes[static_cast<size_t>(o)] * step;
      CHECK(std::abs(stored - wanted[o]) <= result.grid->scale / 128.0 + step);
    }
  }
}

TEST_CASE("describe: what cannot be exported is named") {
  nn::Sequential net = four_layers();
  QATQuantizer quantizer({{{"activation_bits", 12}}});
  quantizer(net);
  train_forward(net, {8, 8, 1});
  CHECK_THROWS_WITH(describe(net, {.sample = {8, 8, 1}}),
                    Contains("codes from 0 to 4095") && Contains("activation_bits: 8"));

  class Squares : public nn::Module {
   public:
    Squares() : Module("Squares") {}

   private:
    Tensor forward(const Tensor& x) override { return multiply(x, x); }
  };
  nn::Sequential odd;
  odd.add("square", Squares());
  CHECK_THROWS_WITH(describe(odd, {.sample = {4}}), Contains("multiply (in layer 'square')"));

  nn::Sequential norm;
  norm.add("relu", nn::ReLU()).add("bn", nn::BatchNorm2d({.channels = 4}));
  CHECK_THROWS_WITH(describe(norm, {.sample = {4}}),
                    Contains("'bn'") && Contains("cannot be exported"));
}
