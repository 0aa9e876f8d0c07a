#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The results of an operation, and the gradients of their sum, against what was worked out.
void check_by_hand(const std::function<Tensor(const Tensor&)>& operation,
                   const std::vector<float>& at, const std::vector<double>& results,
                   const std::vector<double>& slopes) {
  Tensor x = Tensor::from({static_cast<int64_t>(at.size())}, at).require_grad();
  const Tensor y = operation(x);
  sum(y).backward();
  for (size_t i = 0; i < at.size(); ++i) {
    INFO("at " << at[i]);
    CHECK(double{y[static_cast<int64_t>(i)]} == Approx(results[i]).margin(1e-7).epsilon(1e-6));
    CHECK(double{x.grad()[static_cast<int64_t>(i)]} ==
          Approx(slopes[i]).margin(1e-7).epsilon(1e-6));
  }
}

/// Runs `body` on each kernel of this machine.
template <class Body>
void on_every_kernel(Body&& body) {
  for (const auto& candidate : backend::activation_candidates().candidates) {
    if (!candidate.supports({}, backend::Machine::current())) continue;
    Engine engine;
    EngineScope scope(engine);
    engine.plan().choose("activation", candidate.name);
    INFO("kernel " << candidate.name);
    body();
  }
}

Tensor one(float value) {
  return Tensor::from({1}, {value});
}

}  // namespace

TEST_CASE("activations by hand, on every kernel") {
  const float log3 = std::log(3.0f);
  on_every_kernel([&] {
    check_by_hand(relu6, {-1, 0, 3, 6, 7}, {0, 0, 3, 6, 6}, {0, 0, 1, 0, 0});
    check_by_hand([](const Tensor& x) { return leaky_relu(x, 0.1f); }, {-2, 0, 3}, {-0.2, 0, 3},
                  {0.1, 0.1, 1});
    // σ(log 3) = 1/(1 + 1/3), with the slope σ(1 − σ)
    check_by_hand(sigmoid, {0, log3, -log3}, {0.5, 0.75, 0.25}, {0.25, 0.1875, 0.1875});
    // tanh(log(3)/2) = (3 − 1)/(3 + 1), with the slope 1 − tanh²
    check_by_hand(espalier::tanh, {0, log3 / 2, -log3, 0.001f}, {0, 0.5, -0.8, 0.00099999967},
                  {1, 0.75, 0.36, 0.999999});
    // Φ(1) = 0.8413447 and Φ′(1) = 0.2419707
    check_by_hand(gelu, {0, 1, -1}, {0, 0.8413447461, -0.1586552539},
                  {0.5, 0.8413447461 + 0.2419707245, 0.1586552539 - 0.2419707245});
    check_by_hand(hardswish, {-4, -3, -1, 1, 3, 4}, {0, 0, -1.0 / 3, 2.0 / 3, 3, 4},
                  {0, 0, 1.0 / 6, 5.0 / 6, 1, 1});
  });
}

TEST_CASE("activations of huge and infinite values, and of NaN") {
  on_every_kernel([] {
    CHECK(sigmoid(one(1e30f))[0] == 1.0f);
    CHECK(sigmoid(one(-1e30f))[0] == 0.0f);
    CHECK(sigmoid(one(-infinity))[0] == 0.0f);
    CHECK(espalier::tanh(one(50))[0] == 1.0f);
    CHECK(espalier::tanh(one(-infinity))[0] == -1.0f);
    CHECK(std::signbit(espalier::tanh(one(-0.0f))[0]));
    CHECK(gelu(one(1e30f))[0] == 1e30f);
    CHECK(gelu(one(-1e30f))[0] == 0.0f);
    CHECK(gelu(one(infinity))[0] == infinity);
    CHECK(hardswish(one(infinity))[0] == infinity);
    for (const auto& operation : std::vector<std::function<Tensor(const Tensor&)>>{
             relu6, sigmoid, espalier::tanh, gelu, hardswish,
             [](const Tensor& x) { return leaky_relu(x); }}) {
      CHECK(std::isnan(operation(one(NAN))[0]));
    }
    for (float value : softmax(Tensor::from({1, 3}, {1, NAN, 2})).values())
      CHECK(std::isnan(value));
  });
}

TEST_CASE("activations are accurate to a few units in the last place") {
  const Tensor x = Tensor::generate(
      {20'000}, [](int64_t i) { return static_cast<float>(i - 10'000) * 1.7e-3f + 1e-5f; });
  const auto worst = [&](const Tensor& y, const std::function<double(double)>& exact) {
    double units = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      const double right = exact(double{x[i]});
      units = std::max(units, std::abs(double{y[i]} - right) / (std::abs(right) * 0x1p-23));
    }
    return units;
  };
  on_every_kernel([&] {
    CHECK(worst(sigmoid(x), [](double at) { return 1 / (1 + std::exp(-at)); }) < 3);
    CHECK(worst(espalier::tanh(x), [](double at) { return std::tanh(at); }) < 2);
    // Far below 0 only the absolute error is small, so look at y + 1.
    const auto exact = [](double at) { return at * 0.5 * std::erfc(-at / std::sqrt(2.0)); };
    const Tensor y = gelu(x);
    for (int64_t i = 0; i < x.size(); ++i)
      CHECK(std::abs(double{y[i]} - exact(double{x[i]})) <
            4e-7 * std::max(1.0, std::abs(double{x[i]})));
  });
}

TEST_CASE("softmax by hand, and with logits that would overflow") {
  on_every_kernel([] {
    // e^0 : e^log 3 = 1 : 3
    Tensor x = Tensor::from({2, 2}, {0.0f, std::log(3.0f), 5, 5}).require_grad();
    const Tensor p = softmax(x);
    CHECK(p[0] == Approx(0.25));
    CHECK(p[1] == Approx(0.75));
    CHECK(p[2] == Approx(0.5));
    // The gradient of p[0] is p[0]·(1 − p[0]) and −p[0]·p[1].
    sum(multiply(p, Tensor::from({2, 2}, {1, 0, 0, 0}))).backward();
    CHECK(x.grad()[0] == Approx(0.1875));
    CHECK(x.grad()[1] == Approx(-0.1875));
    CHECK(x.grad()[2] == 0.0f);

    Tensor z = Tensor::from({1, 2}, {0.0f, std::log(3.0f)}).require_grad();
    const Tensor log_p = log_softmax(z);
    CHECK(log_p[0] == Approx(std::log(0.25)));
    CHECK(log_p[1] == Approx(std::log(0.75)));
    sum(multiply(log_p, Tensor::from({1, 2}, {1, 0}))).backward();
    CHECK(z.grad()[0] == Approx(0.75));
    CHECK(z.grad()[1] == Approx(-0.75));

    const Tensor huge = softmax(Tensor::from({1, 3}, {1e30f, 0, -1e30f}));
    CHECK(doubles(huge) == std::vector<double>{1, 0, 0});
    const Tensor log_huge = log_softmax(Tensor::from({1, 2}, {1000, 0}));
    CHECK(doubles(log_huge) == std::vector<double>{0, -1000});
    CHECK(log_softmax(Tensor::full({1, 4}, -1e4f))[3] == Approx(std::log(0.25)));
  });
  CHECK_THROWS_WITH(softmax(Tensor::zeros({3})), Catch::Contains("rows×classes"));
  CHECK_THROWS_WITH(log_softmax(Tensor::zeros({3, 0})), Catch::Contains("empty"));
}

TEST_CASE("dropout keeps what its random numbers say, on any kernel and any number of threads") {
  const RandomStream random(7, Purpose::dropout, 3, 4);
  const int64_t n = 70'001;
  const Tensor ones = Tensor::full({n}, 1);
  const double p = 0.3;
  std::vector<double> expected;
  int64_t kept = 0;
  for (int64_t i = 0; i < n; ++i) {
    const bool keeps = double{random.uniform(static_cast<uint64_t>(i))} >= p;
    kept += keeps;
    expected.push_back(keeps ? double{static_cast<float>(1 / (1 - p))} : 0.0);
  }
  CHECK(static_cast<double>(kept) / static_cast<double>(n) == Approx(0.7).margin(0.01));
  on_every_kernel([&] { CHECK(doubles(dropout(ones, p, random)) == expected); });
  for (int threads : {1, 2, 3}) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    Tensor x = ones.detach().require_grad();
    const Tensor y = dropout(x, p, random);
    CHECK(doubles(y) == expected);
    sum(y).backward();
    CHECK(doubles(x.grad()) == expected);
  }
  CHECK(doubles(dropout(ones, 0, random)) == doubles(ones));
  CHECK(doubles(dropout(ones, p, RandomStream(7, Purpose::dropout, 3, 5))) != expected);
  CHECK_THROWS_WITH(dropout(ones, 1, random), Catch::Contains("below 1"));
  CHECK_THROWS_WITH(dropout(ones, NAN, random), Catch::Contains("below 1"));
}

TEST_CASE("the mean squared error by hand") {
  // (1 + 4 + 0)/3; gradients 2/3·(1, −2, 0) and the opposite.
  Tensor prediction = Tensor::from({3}, {2, 1, 5}).require_grad();
  Tensor target = Tensor::from({3}, {1, 3, 5}).require_grad();
  const Tensor loss = mse_loss(prediction, target);
  CHECK(loss.item() == Approx(5.0 / 3));
  loss.backward();
  CHECK(prediction.grad()[0] == Approx(2.0 / 3));
  CHECK(prediction.grad()[1] == Approx(-4.0 / 3));
  CHECK(prediction.grad()[2] == 0.0f);
  CHECK(target.grad()[1] == Approx(4.0 / 3));
  CHECK_THROWS_WITH(mse_loss(prediction, Tensor::zeros({2})), Catch::Contains("shapes differ"));
}
