#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/quantizers/ptq_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/compress/quantizers/range_observer.h"
#include "espalier/compress/registry.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

ValueHistogram histogram_of(const Tensor& x) {
  ValueHistogram values;
  values.add(x);
  return values;
}

/// `count` values each, and one outlier.
Tensor with_outlier(std::vector<float> each, int count, float outlier) {
  const auto n = static_cast<int64_t>(each.size()) * count;
  return Tensor::generate({n + 1}, [&](int64_t i) {
    return i == n ? outlier : each[static_cast<size_t>(i) % each.size()];
  });
}

GridOf affine(int bits) {
  return [bits](const ValueRange& r) { return affine_grid(r.low, r.high, 0, (1 << bits) - 1); };
}
GridOf symmetric(int bits) {
  return [bits](const ValueRange& r) { return symmetric_grid(r, bits); };
}

double error_on(const Tensor& x, const QuantizationGrid& grid) {
  NoGrad no_grad;
  const Tensor quantized = fake_quantize(x, std::span(&grid, 1));
  double sum = 0;
  for (int64_t i = 0; i < x.size(); ++i) sum += std::pow(double{x[i]} - double{quantized[i]}, 2);
  return sum;
}

/// y = x, so that ranges can be told.
nn::Sequential identity() {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 1, .out = 1, .bias = false}));
  net.parameters()[0].parameter->load(Tensor::from({1, 1}, {1}));
  return net;
}

std::vector<double> input_range(const nn::Module& net) {
  return doubles(net.record()->input_transform->state());
}

}  // namespace

TEST_CASE("histogram: the order in which values come does not matter") {
  const Tensor small = Tensor::from({5}, {0, 0.25f, -0.5f, 0.25f, 0}), large = normal({1000}, 1);
  ValueHistogram one, other;
  one.add(Tensor::zeros({3}));
  one.add(small);
  one.add(large);
  other.add(large);
  other.add(small);
  other.add(Tensor::zeros({3}));
  CHECK(one.count() == 1008);
  CHECK(one.range().high == value_range(large).high);
  const auto a = one.bins(), b = other.bins();
  REQUIRE(a.size() == b.size());
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].count == b[i].count);
    CHECK(a[i].value == Approx(b[i].value).margin(1e-9));
    if (i > 0) CHECK(a[i].value > a[i - 1].value);
    count += a[i].count;
  }
  CHECK(count == 1008);
  CHECK_THROWS_WITH(one.add(Tensor::from({1}, {std::numeric_limits<float>::infinity()})),
                    Contains("finite"));
}

TEST_CASE("observers: minmax and percentile by hand") {
  const Tensor x = Tensor::generate({1000}, [](int64_t i) { return static_cast<float>(i + 1); });
  const ValueHistogram values = histogram_of(x);
  CHECK(minmax_range(values).low == 1);
  CHECK(minmax_range(values).high == 1000);
  // 990 of 1,000 values are at most 990, and 990 are at least 11.
  CHECK(percentile_range(values, 99).low == 11);
  CHECK(percentile_range(values, 99).high == 990);
  CHECK(percentile_range(values, 98.95).high == 990);  // 989.5 are too few
  CHECK(percentile_range(values, 100).low == 1);
  CHECK(percentile_range(values, 100).high == 1000);
}

TEST_CASE("observers: the least squared error by hand") {
  // Two bits, codes 0 … 3. Up to 12 the step is 4: 1 → 0, 2 → 0, 3 → 4, 12 → 12, an error of 6 for
  // each 1, 2 and 3. Up to 3, which is 32/128 of 12, these are exact, and 12 → 3 costs 81. One part
  // more, a step of 33/32, costs 1000·(1 + 4 + 9)/32² = 13.7 more and spares 1.7.
  const ValueHistogram values = histogram_of(with_outlier({1, 2, 3}, 1000, 12));
  CHECK(squared_error(values, affine(2)({1, 12})) == Approx(6000));
  CHECK(squared_error(values, affine(2)({1, 3})) == Approx(81));
  const ValueRange range = least_error_range(values, affine(2), false);
  CHECK(range.high == 3);
  CHECK(squared_error(values, affine(2)(range)) == Approx(81));

  // Codes −1, 0, 1: up to 4 the step is 4 and ±1 → 0; up to 1 only the 4 is cut off.
  const ValueHistogram both = histogram_of(with_outlier({-1, 0, 1}, 1000, 4));
  CHECK(squared_error(both, symmetric(2)({-1, 4})) == Approx(2000));
  const ValueRange around = least_error_range(both, symmetric(2), true);
  CHECK(around.high == 1);
  CHECK(squared_error(both, symmetric(2)(around)) == Approx(9));
}

TEST_CASE("observers: the range found is the best there is") {
  const Tensor x = normal({20000}, 4);
  const ValueHistogram values = histogram_of(x);
  for (const int bits : {2, 4, 8}) {
    INFO(bits);
    const ValueRange found = least_error_range(values, affine(bits), false);
    const double error = error_on(x, affine(bits)(found));
    CHECK(squared_error(values, affine(bits)(found)) == Approx(error).epsilon(0.02));
    CHECK(error <= error_on(x, affine(bits)(value_range(x))) * 1.001);
    double best = error;
    for (float low = -4; low < 0; low += 0.25f) {
      for (float high = 0.25f; high <= 4; high += 0.25f)
        best = std::min(best, error_on(x, affine(bits)({low, high})));
    }
    CHECK(error <= 1.02 * best);
  }
}

TEST_CASE("PTQ: ranges are those of the pictures seen, in evaluation mode and full precision") {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 1, .out = 1, .kernel = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 1}))
      .add("relu", nn::ReLU());
  net.parameters()[0].parameter->load(Tensor::from({1, 1, 1, 1}, {0.5f}));
  PTQQuantizer quantizer({{{"observer", "minmax"}}});
  quantizer(net);
  CHECK_FALSE(quantizer.calibrated());
  const std::vector<double> mean = doubles(net.children()[1]->record()->buffers[0]->value);
  quantizer.calibrate([&] {
    CHECK_FALSE(net.training());
    CHECK_FALSE(net.children()[1]->training());
    net(Tensor::from({1, 2, 1, 1}, {-1, 2}));
    net(Tensor::from({1, 2, 1, 1}, {-0.5f, 4}));
  });
  CHECK(quantizer.calibrated());
  CHECK(net.training());
  CHECK(doubles(net.children()[1]->record()->buffers[0]->value) == mean);
  CHECK(input_range(net) == std::vector<double>{-1, 4, 1, 1});
  const Tensor behind = net.children()[2]->record()->output_transform->state();
  CHECK(behind[0] == 0);
  CHECK(behind[1] == Approx(2).epsilon(1e-4));  // 0.5·4, but for ε in the batch norm

  // Input: scale 5/255, zero point 51. 1 → 51 steps exactly; 5 is cut off at 4.
  net.eval();
  CHECK(net(Tensor::from({1, 1, 1, 1}, {1}))[0] == Approx(0.5).epsilon(0.01));
  CHECK(net(Tensor::from({1, 1, 1, 1}, {5}))[0] == Approx(2).epsilon(1e-4));
  CHECK(input_range(net) == std::vector<double>{-1, 4, 1, 1});  // frozen
  quantizer.set_enabled(false);
  CHECK(net(Tensor::from({1, 1, 1, 1}, {5}))[0] == Approx(2.5).epsilon(1e-4));
}

TEST_CASE("PTQ: each observer by its name") {
  const Tensor x = with_outlier({1, 2, 3}, 1000, 12);
  const auto high = [&](Rules rules) {
    nn::Sequential net = identity();
    PTQQuantizer quantizer(std::move(rules));
    quantizer(net);
    quantizer.calibrate([&] { net(reshape(x, {3001, 1})); });
    return input_range(net)[1];
  };
  CHECK(high({{{"observer", "minmax"}, {"activation_bits", 2}, {"first_last_bits", 2}}}) == 12);
  CHECK(high({{{"observer", "percentile"}, {"percentile", 99.9}}}) == 3);
  CHECK(high({{{"observer", "percentile"}}}) == 12);  // 99.99: less than one value of 3,001
  CHECK(high({{{"activation_bits", 2}, {"first_last_bits", 2}}}) == 3);
  CHECK_THROWS_WITH(high({{{"observer", "mse"}, {"percentile", 99}}}), Contains("percentile"));
  CHECK_THROWS_WITH(high({{{"observer", "kl"}}}), Contains("minmax, percentile, mse"));
}

TEST_CASE("PTQ: what cannot be calibrated is an error, and leaves things as they were") {
  nn::Sequential net = four_layers();
  const Tensor x = normal({2, 8, 8, 1}, 1);
  PTQQuantizer quantizer;
  CHECK_THROWS_WITH(quantizer.calibrate([] {}), Contains("not attached"));
  quantizer(net);
  CHECK_THROWS_WITH(quantizer.errors(), Contains("not calibrated"));
  CHECK_THROWS_WITH(net(x), Contains("is not calibrated") && Contains("QATQuantizer"));
  CHECK_THROWS_WITH(quantizer.calibrate([] {}), Contains("has seen no value of 'input'"));
  CHECK_THROWS_WITH(quantizer.calibrate([&] { net(x), throw Error("test", "stop"); }),
                    Contains("stop"));
  CHECK(quantizer.enabled());
  CHECK(net.training());
  CHECK_FALSE(quantizer.calibrated());
  CHECK_THROWS_WITH(quantizer.calibrate([&] {
    net(Tensor::full({1, 8, 8, 1}, std::numeric_limits<float>::quiet_NaN()));
  }),
                    Contains("finite"));
  CHECK_THROWS_WITH(net(x), Contains("is not calibrated"));
  quantizer.calibrate([&] { net(x); });
  nn::SGD sgd(net, {.lr = 0.01});
  train_four_layers(net, sgd, 0);  // with ranges that stay
}

TEST_CASE("PTQ: errors of weights and activations by hand") {
  nn::Sequential net = identity();
  // 4 bits, codes −7 … 7: the step is 0.1, and 0.26 → 0.3, so 0.04²/(0.7² + 0.26²).
  net.add("last", nn::Linear({.in = 1, .out = 2, .bias = false}));
  net.parameters()[1].parameter->load(Tensor::from({2, 1}, {0.7f, 0.26f}));
  PTQQuantizer quantizer(
      {{{"q_bits", 4}, {"first_last_bits", 4}, {"per_channel", false}, {"observer", "minmax"}}});
  quantizer(net);
  // Codes 0 … 15 for 0 … 3: the step is 0.2, and 0.5 → 0.4, as a half goes to the even code.
  quantizer.calibrate([&] { net(Tensor::from({2, 1}, {3, 0.5f})); });
  const std::vector<PTQQuantizer::TensorError> errors = quantizer.errors();
  REQUIRE(errors.size() == 5);
  CHECK(errors[0].name == "input");
  CHECK(errors[0].bits == 4);
  CHECK(errors[0].range.high == 3);
  CHECK(errors[0].relative == Approx(0.1 / std::sqrt(9.25)).epsilon(1e-4));
  CHECK(errors[1].name == "fc.weight");
  CHECK(errors[1].relative == 0);
  CHECK(errors[2].name == "fc.output");
  CHECK(errors[3].name == "last.weight");
  CHECK(errors[3].relative == Approx(0.04 / std::sqrt(0.5576)).epsilon(1e-4));
  CHECK(errors[4].name == "last.output");
  CHECK(quantizer.enabled());
}

TEST_CASE("PTQ: a pruned network stays pruned, and answers the same when it is loaded") {
  const std::string path = "/tmp/espalier-ptq-" + std::to_string(getpid());
  const Tensor x = normal({4, 8, 8, 1}, 9);
  nn::Sequential net = four_layers();
  const std::vector<double> before = doubles(net(x));
  LevelPruner pruner({{{"sparsity", 0.5}}});
  PTQQuantizer quantizer;
  pruner(net);
  quantizer(net);
  quantizer.calibrate([&] { net(x); });
  quantizer.check_laws();
  for (const LayerInfo& layer : pruner.layers()) {
    const Tensor weight = layer.parameter->effective_value();
    for (int64_t i = 0; i < weight.size(); ++i) {
      if (!pruner.mask(layer)[i]) CHECK(weight[i] == 0);
    }
  }
  net.eval();
  const std::vector<double> expected = doubles(net(x));
  CHECK(expected != before);
  nn::save_weights(net, path);

  nn::Sequential loaded = four_layers();
  PTQQuantizer again(Rules::from(quantizer.rules_as_run(), "PTQQuantizer"));
  again.attach_for_evaluation(loaded);
  nn::load_weights(loaded, path);
  loaded.eval();
  CHECK(largest_difference(doubles(loaded(x)), expected) < 1e-6);
  std::remove(path.c_str());
}

TEST_CASE("PTQ: weights that lie on steps stay there, if the bits are enough") {
  // Multiples of 0.25: codes 1, −3, 0 and 2, of which symmetric 8 bits would make 42.33 and so on.
  const std::vector<float> steps{0.25f, -0.75f, 0, 0.5f};
  for (const int bits : {8, 3, 2}) {
    nn::Sequential net{nn::Linear({.in = 4, .out = 1, .bias = false})};
    net.parameters()[0].parameter->load(Tensor::from({1, 4}, steps));
    PTQQuantizer quantizer({{{"q_bits", bits}, {"first_last_bits", 2}}});
    quantizer(net);
    quantizer.calibrate([&] { net(Tensor::from({1, 4}, {1, 2, 3, 4})); });
    const Tensor weight = quantizer.layers()[0].parameter->effective_value();
    for (int64_t i = 0; i < 4; ++i) {
      INFO(bits << " bits, weight " << i);
      // Of 2 bits the largest code is 1: a grid of ±0.75.
      const float rounded[] = {0, -0.75f, 0, 0.75f};
      CHECK(weight[i] == (bits > 2 ? steps[static_cast<size_t>(i)] : rounded[i]));
    }
  }
}

TEST_CASE("PTQ: two on one network are an error, and other spellings are known") {
  nn::Sequential net = four_layers();
  CHECK_THROWS_WITH(PTQQuantizer({{{"percentile", 99}}})(net),
                    Contains("'percentile': is for 'observer: percentile'"));
  QATQuantizer first;
  first(net);
  PTQQuantizer second;
  CHECK_THROWS_WITH(second(net), Contains("is quantized by QATQuantizer already"));
  CHECK_FALSE(second.attached());
  CHECK(Registry::with_builtin().find("PtqQuantizer")->name == "PTQQuantizer");
}
