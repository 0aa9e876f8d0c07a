#include "espalier/report/activations.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/quantizers/ptq_quantizer.h"
#include "espalier/datasets/loader.h"
#include "espalier/datasets/synthetic.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"

using namespace espalier;
using compress::Rules;
using report::Activation;

namespace {

nn::Sequential small_net() {
  return nn::Sequential{nn::Conv2d({.in = 1, .out = 2, .kernel = 3}), nn::ReLU(), nn::Flatten(),
                        nn::Linear({.in = 72, .out = 4})};
}

datasets::DatasetPtr pictures(int64_t samples) {
  return datasets::synthetic({.samples = samples, .shape = {8, 8, 1}, .classes = 4});
}

int64_t counted(const report::Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), histogram.zeros);
}

}  // namespace

TEST_CASE("activations: of a network of integers, its input and what is stored between layers") {
  auto net = small_net();
  compress::PTQQuantizer quantizer(Rules{{{"observer", "minmax"}}});
  quantizer(net);
  const auto known = pictures(64);
  datasets::Loader loader(known, {.batch = 64});
  quantizer.calibrate([&] {
    for (const auto& [images, labels] : loader) net(images);
  });
  const std::vector<Activation> same = report::activations(net, known);
  REQUIRE(same.size() == 3);
  CHECK(same[0].layer == "input");
  CHECK(same[1].layer == "1");
  CHECK(same[2].layer == "3");
  const std::vector<int64_t> sizes = {64 * 64, 64 * 72, 64 * 4};
  for (size_t i = 0; i < same.size(); ++i) {
    CAPTURE(same[i].layer);
    CHECK(same[i].bits == 8);
    CHECK(counted(same[i].values) == sizes[i]);
    // The grid holds what it was made for, give or take its nudged end.
    const double step = (same[i].high - same[i].low) / 255;
    CHECK(same[i].seen_low >= same[i].low - step);
    CHECK(same[i].seen_high <= same[i].high + step);
    CHECK(same[i].clipped == 0);
  }
  CHECK(same[1].low == 0);
  CHECK(same[1].values.zeros > 0);  // of ReLU

  // The model is as it was.
  CHECK(net.record()->input_transform->name() == "PTQQuantizer");
  CHECK(report::activations(net, known)[2].seen_high == same[2].seen_high);
}

TEST_CASE("activations: what is clipped, counted by hand") {
  auto net = small_net();
  compress::PTQQuantizer quantizer(Rules{{{"observer", "percentile"}, {"percentile", 95}}});
  quantizer(net);
  const auto known = pictures(64);
  datasets::Loader loader(known, {.batch = 64});
  quantizer.calibrate([&] {
    for (const auto& [images, labels] : loader) net(images);
  });
  const Activation input = report::activations(net, known)[0];
  const double half = (input.high - input.low) / 255 / 2;
  int64_t outside = 0;
  double low = 1e9, high = -1e9;
  std::vector<float> picture(64);
  for (int64_t i = 0; i < 64; ++i) {
    known->read(i, picture.data());
    for (const float value : picture) {
      outside += value < input.low - half || value > input.high + half;
      low = std::min<double>(low, value);
      high = std::max<double>(high, value);
    }
  }
  CHECK(outside > 0);
  CHECK(input.clipped == Approx(static_cast<double>(outside) / (64 * 64)));
  CHECK(input.seen_low == low);
  CHECK(input.seen_high == high);
  CHECK(counted(input.values) == 64 * 64);
}

TEST_CASE("activations: of a quantizer without ranges, what comes out") {
  auto net = small_net();
  compress::DoReFaQuantizer quantizer(Rules{
      {{"weight_bits", 2}, {"activation_bits", 2}, {"gradient_bits", 6}, {"support_op", "3"}}});
  quantizer(net);
  quantizer.update_epoch(0);
  const std::vector<Activation> seen = report::activations(net, pictures(32));
  REQUIRE(seen.size() == 1);  // what only acts on gradients is left out
  CHECK(seen[0].layer == "input of 3");
  CHECK(seen[0].low == 0);
  CHECK(seen[0].high == 1);
  CHECK(seen[0].bits == 2);
  CHECK(seen[0].seen_low == 0);
  CHECK(seen[0].seen_high > 1);
  CHECK(seen[0].clipped > 0);
  auto plain = small_net();
  CHECK(report::activations(plain, pictures(4)).empty());
}
