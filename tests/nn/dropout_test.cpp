#include <catch2/catch.hpp>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/nn/init.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/layers/sequential.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

const Tensor& ones() {
  static const Tensor all = Tensor::full({4, 50}, 1);
  return all;
}

/// Two dropouts one behind the other, half of the values kept by each.
nn::Sequential two(double p = 0.5) {
  return nn::Sequential{nn::Dropout({.p = p}), nn::Dropout({.p = p})};
}

}  // namespace

TEST_CASE("dropout drops in training and lets everything pass in evaluation") {
  nn::Dropout dropout({.p = 0.25});
  int64_t kept = 0;
  for (float value : dropout(Tensor::full({100, 100}, 3)).values()) {
    CHECK((value == 0.0f || value == 4.0f));
    kept += value != 0.0f;
  }
  CHECK(static_cast<double>(kept) == Approx(7500).margin(200));
  dropout.eval();
  CHECK(doubles(dropout(ones())) == doubles(ones()));
  nn::Dropout none({.p = 0});
  CHECK(doubles(none(ones())) == doubles(ones()));
  CHECK_THROWS_WITH(nn::Dropout({.p = 1}), Catch::Contains("below 1"));
  CHECK_THROWS_WITH(nn::Dropout({.p = -0.5}), Catch::Contains("below 1"));
}

TEST_CASE("each pass and each layer drops other values, equal seeds the same ones") {
  nn::Sequential net = two(), same = two(), other = two();
  nn::initialise(net, 5);
  nn::initialise(same, 5);
  nn::initialise(other, 6);
  const auto first = doubles(net(ones())), second = doubles(net(ones()));
  CHECK(first != second);
  CHECK(doubles(same(ones())) == first);
  CHECK(doubles(same(ones())) == second);
  CHECK(doubles(other(ones())) != first);
  // With the same values dropped twice, half of them would be left rather than a quarter.
  double left = 0;
  for (double value : first) left += value != 0;
  CHECK(left / static_cast<double>(first.size()) < 0.4);

  nn::initialise(net, 5);
  CHECK(doubles(net(ones())) == first);
}

TEST_CASE("without further word dropout follows the seed of its engine") {
  const auto drawn = [](uint64_t seed, int threads) {
    Engine engine({.threads = threads, .seed = seed});
    EngineScope scope(engine);
    nn::Dropout dropout({.p = 0.5});
    return doubles(dropout(Tensor::full({300, 300}, 1)));
  };
  CHECK(drawn(1, 1) == drawn(1, 3));
  CHECK(drawn(1, 1) != drawn(2, 1));
}

TEST_CASE("dropout goes on where a stopped training was") {
  nn::Dropout whole({.p = 0.5}), resumed({.p = 0.5});
  nn::initialise(whole, 9);
  whole(ones());
  whole(ones());
  nn::State state;
  auto saving = nn::StateVisitor::saving(state);
  whole.visit_state(saving);
  auto restoring = nn::StateVisitor::restoring(state);
  resumed.visit_state(restoring);
  CHECK(doubles(resumed(ones())) == doubles(whole(ones())));
}
