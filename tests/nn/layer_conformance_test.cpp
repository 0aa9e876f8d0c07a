// What every layer must do, whichever it is. A new layer is one more line in `layers()`.
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "espalier/autograd/gradcheck.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/mask_transform.h"
#include "espalier/nn/init.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/layers/sequential.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;
using compress::MaskedWeights, compress::MaskTransform;
using Stage = nn::WeightTransform::Stage;

namespace {

struct LayerCase {
  std::string name;
  std::function<std::unique_ptr<nn::Module>()> make;
  Shape input;
  bool passes_input = false;  ///< something comes through even where all weights are zero
};

template <class Layer, class... Options>
LayerCase layer(std::string name, const Shape& input, Options... options) {
  return {std::move(name),
          [=]() -> std::unique_ptr<nn::Module> { return std::make_unique<Layer>(options...); },
          input};
}

std::vector<LayerCase> layers() {
  return {
      layer<nn::Linear>("Linear", {3, 5}, nn::Linear::Options{.in = 5, .out = 4}),
      layer<nn::Linear>("Linear without bias", {3, 5},
                        nn::Linear::Options{.in = 5, .out = 4, .bias = false}),
      layer<nn::Conv2d>("Conv2d", {2, 5, 6, 2},
                        nn::Conv2d::Options{.in = 2, .out = 3, .kernel = 3, .padding = 1}),
      layer<nn::Conv2d>("Conv2d grouped", {2, 7, 6, 4},
                        nn::Conv2d::Options{.in = 4,
                                            .out = 6,
                                            .kernel = 3,
                                            .stride = 2,
                                            .dilation = 2,
                                            .groups = 2,
                                            .bias = false}),
      layer<nn::ReLU>("ReLU", {3, 4, 2, 2}),
      layer<nn::ReLU6>("ReLU6", {3, 4, 2, 2}),
      layer<nn::LeakyReLU>("LeakyReLU", {3, 4, 2, 2}, nn::LeakyReLU::Options{.slope = 0.2f}),
      layer<nn::Sigmoid>("Sigmoid", {3, 4, 2, 2}),
      layer<nn::Tanh>("Tanh", {3, 4, 2, 2}),
      layer<nn::GELU>("GELU", {3, 4, 2, 2}),
      layer<nn::Hardswish>("Hardswish", {3, 4, 2, 2}),
      layer<nn::Dropout>("Dropout", {3, 4, 2, 2}, nn::Dropout::Options{.p = 0.4}),
      layer<nn::MaxPool2d>("MaxPool2d", {2, 6, 5, 3}, nn::MaxPool2d::Options{.kernel = 2}),
      layer<nn::Flatten>("Flatten", {2, 3, 4, 2}),
      {"Sequential",
       [] {
         auto net = std::make_unique<nn::Sequential>();
         net->add("relu", nn::ReLU())
             .add("conv", nn::Conv2d({.in = 1, .out = 3, .kernel = 3}))
             .add("flat", nn::Flatten())
             .add("drop", nn::Dropout({.p = 0.25}))
             .add("fc", nn::Linear({.in = 12, .out = 2}));
         return net;
       },
       {2, 4, 4, 1}},
      layer<nn::BatchNorm2d>("BatchNorm2d", {3, 2, 3, 4}, nn::BatchNorm2d::Options{.channels = 4}),
      layer<nn::AvgPool2d>("AvgPool2d", {2, 5, 4, 3}, nn::AvgPool2d::Options{.kernel = 2}),
      layer<nn::GlobalAvgPool2d>("GlobalAvgPool2d", {2, 3, 4, 5}),
      // Without biases in front of batch normalisation, which takes any constant away again.
      {"Residual",
       [] {
         auto block = std::make_unique<nn::Residual>();
         block->add("conv1", nn::Conv2d({.in = 2, .out = 3, .kernel = 1, .bias = false}))
             .add("bn1", nn::BatchNorm2d({.channels = 3}))
             .add("conv2",
                  nn::Conv2d({.in = 3, .out = 2, .kernel = 3, .padding = 1, .bias = false}))
             .add("bn2", nn::BatchNorm2d({.channels = 2}));
         return block;
       },
       {2, 4, 3, 2},
       true},
      {"Residual with a projection and ReLU",
       [] {
         auto block = std::make_unique<nn::Residual>(
             nn::Sequential{
                 nn::Conv2d({.in = 2, .out = 4, .kernel = 3, .stride = 2, .bias = false}),
                 nn::BatchNorm2d({.channels = 4})},
             nn::Sequential{
                 nn::Conv2d({.in = 2, .out = 4, .kernel = 3, .stride = 2, .bias = false}),
                 nn::BatchNorm2d({.channels = 4})});
         auto net = std::make_unique<nn::Sequential>();
         net->add("block", std::move(block)).add("relu", nn::ReLU());
         return net;
       },
       {3, 5, 5, 2}},
      {"Concat",
       [] {
         return std::make_unique<nn::Concat>(
             nn::Conv2d({.in = 2, .out = 3, .kernel = 1}),
             nn::Sequential{
                 nn::Conv2d({.in = 2, .out = 1, .kernel = 3, .padding = 1, .bias = false}),
                 nn::BatchNorm2d({.channels = 1})});
       },
       {2, 3, 3, 2}},
  };
}

/// Values apart from each other and from 0 by more than the step of a difference, so that neither
/// ReLU's kink nor a change of maximum lies in between.
Tensor spread(const Shape& shape, uint64_t seed) {
  const RandomStream random(seed, Purpose::synthetic);
  const int64_t n = shape.elements();
  std::vector<float> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    values[static_cast<size_t>(i)] =
        (static_cast<float>(i) + 0.5f) * 4.0f / static_cast<float>(n) - 2.0f;
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(values[static_cast<size_t>(i)],
              values[random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(i + 1))]);
  }
  return Tensor::from(shape, values);
}

/// Computes with the state that all modules were in when this was made, however often: a layer that
/// draws random numbers draws the same ones again, as differences need.
class SameDraws {
 public:
  explicit SameDraws(nn::Module& module) : module_(module) {
    visit(nn::StateVisitor::saving(state_));
  }
  Tensor operator()(const Tensor& x) {
    visit(nn::StateVisitor::restoring(state_));
    return module_(x);
  }

 private:
  void visit(nn::StateVisitor visitor) {
    module_.for_each_module([&](const std::string& path, nn::Module& each) {
      nn::StateVisitor::Scope scope(visitor, path);
      each.visit_state(visitor);
    });
  }
  nn::Module& module_;
  nn::State state_;
};

std::vector<Tensor> values_of(nn::Module& module) {
  std::vector<Tensor> values;
  for (const auto& named : module.parameters())
    values.push_back(named.parameter->effective_value());
  return values;
}

Mask pattern(const Shape& shape) {
  return Mask::from(Tensor::generate(shape, [](int64_t i) { return i % 3 == 0 ? 0.0f : 1.0f; }));
}

/// A coarse symmetric quantizer: multiples of 1/8, straight through.
class Grid : public nn::WeightTransform {
 public:
  Stage stage() const override { return Stage::quantize; }
  std::string_view name() const override { return "grid"; }
  Tensor apply(const Tensor& w) const override {
    return multiply(round_straight_through(multiply(w, Tensor::full(w.shape(), 8))),
                    Tensor::full(w.shape(), 0.125f));
  }
};

/// Start values for which no kink of a ReLU lies within the step of a difference.
constexpr uint64_t start_seed = 2;

}  // namespace

TEST_CASE("layer conformance: the gradients of parameters") {
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make();
    nn::initialise(*module, start_seed);
    SameDraws compute(*module);
    std::vector<Tensor> inputs{spread(c.input, 1)};
    for (const Tensor& value : values_of(*module)) inputs.push_back(value);
    // Parameters are set by loading, as differences need; backward then fills their gradients.
    const auto run = [&](const std::vector<Tensor>& at) {
      size_t i = 1;
      for (const auto& named : module->parameters()) named.parameter->load(at[i++]);
      return compute(at[0]);
    };
    if (module->parameters().empty()) continue;
    const Tensor y = run(inputs);
    const Tensor direction = normal(y.shape(), 3);
    for (const auto& named : module->parameters()) named.parameter->zero_grad();
    sum(multiply(run(inputs), direction)).backward();
    size_t index = 1;
    for (const auto& named : module->parameters()) {
      const Tensor analytic = named.parameter->gradient();
      REQUIRE(analytic.defined());
      NoGrad no_grad;
      double largest = 0;
      for (int64_t i = 0; i < analytic.size(); ++i) {
        const auto at = [&](float offset) {
          std::vector<Tensor> moved = inputs;
          moved[index] = Tensor::generate(inputs[index].shape(), [&](int64_t j) {
            return inputs[index][j] + (j == i ? offset : 0.0f);
          });
          return double{sum(multiply(run(moved), direction)).item()};
        };
        const double difference = (at(5e-3f) - at(-5e-3f)) / 1e-2;
        CHECK(double{analytic[i]} == Approx(difference).margin(2e-2));
        largest = std::max(largest, std::abs(difference));
      }
      CHECK(largest > 0.01);
      ++index;
    }
  }
}

TEST_CASE("layer conformance: the gradient of the input") {
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make();
    nn::initialise(*module, start_seed);
    SameDraws compute(*module);
    const auto result = gradcheck([&](const std::vector<Tensor>& x) { return compute(x[0]); },
                                  {spread(c.input, 1)}, 5e-3, 5e-3);
    INFO(result.message);
    CHECK(result.passed);
  }
}

TEST_CASE("layer conformance: a masked-out weight has no effect and gets no gradient") {
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make();
    for (const auto& named : module->parameters()) {
      auto mask =
          std::make_shared<MaskTransform>(named.parameter->shape(), MaskedWeights::zero, "test");
      mask->set_mask(Mask::from(Tensor::zeros(named.parameter->shape())));
      named.parameter->attach(mask);
    }
    const Tensor y = (*module)(spread(c.input, 1));
    if (module->parameters().empty()) continue;
    if (!c.passes_input) {
      for (float value : y.values()) REQUIRE(value == 0.0f);
    }
    if (!y.requires_grad()) continue;
    sum(multiply(y, normal(y.shape(), 2))).backward();
    for (const auto& named : module->parameters()) {
      for (float g : named.parameter->gradient().values()) REQUIRE(g == 0.0f);
    }
  }
}

TEST_CASE("layer conformance: masked and quantized together, masked weights are exactly zero") {
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make();
    for (const auto& named : module->parameters()) {
      named.parameter->attach(std::make_shared<Grid>());
      auto mask =
          std::make_shared<MaskTransform>(named.parameter->shape(), MaskedWeights::zero, "test");
      mask->set_mask(pattern(named.parameter->shape()));
      named.parameter->attach(mask);
    }
    (*module)(spread(c.input, 1));
    for (const Tensor& value : values_of(*module)) {
      for (int64_t i = 0; i < value.size(); ++i) {
        if (i % 3 == 0) REQUIRE(value[i] == 0.0f);
        REQUIRE(value[i] * 8 == std::round(value[i] * 8));
      }
    }
  }
}

TEST_CASE("layer conformance: saved and loaded, the layer computes the same") {
  const std::string path = "/tmp/espalier_layer_" + std::to_string(getpid()) + ".safetensors";
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make(), copy = c.make();
    const Tensor x = spread(c.input, 1);
    (*module)(x);  // in training, so that running statistics move
    module->eval();
    copy->eval();
    nn::save_weights(*module, path);
    nn::load_weights(*copy, path);
    CHECK(doubles((*copy)(x)) == doubles((*module)(x)));
  }
  std::remove(path.c_str());
}

TEST_CASE("layer conformance: training and evaluation reach every child, batches are independent") {
  for (const LayerCase& c : layers()) {
    INFO(c.name);
    const auto module = c.make();
    module->eval();
    module->for_each_module(
        [](const std::string&, nn::Module& each) { CHECK_FALSE(each.training()); });
    const Tensor x = spread(c.input, 1);
    const int64_t sample = x.size() / c.input[0];
    std::vector<int64_t> one(c.input.begin(), c.input.end());
    one[0] = 1;
    const Tensor first = Tensor::from(Shape(std::span<const int64_t>(one)),
                                      x.values().first(static_cast<size_t>(sample)));
    const Tensor all = (*module)(x), alone = (*module)(first);
    CHECK(largest_difference(alone.values(),
                             all.values().first(static_cast<size_t>(alone.size()))) < 1e-6);
  }
}
