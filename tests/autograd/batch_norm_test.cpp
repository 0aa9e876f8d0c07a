// What the cases of batch normalisation do not show: running statistics, and inputs on which
// careless sums lose everything.
#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/backend/channel_kernels.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("batch_norm normalises with the biased variance and keeps the unbiased one") {
  // Channel 0: 1 3 5 7, mean 4, Σ(x − 4)² = 20; channel 1 is constant.
  const Tensor x = Tensor::from({4, 2}, {1, 9, 3, 9, 5, 9, 7, 9});
  Tensor mean = Tensor::zeros({2}), variance = Tensor::full({2}, 1);
  const Tensor kept = mean;
  const Tensor y = batch_norm(x, Tensor::from({2}, {2, 2}), Tensor::from({2}, {1, -1}), mean,
                              variance, {.epsilon = 0.0001});
  const float deviation = std::sqrt(5.0001f);
  CHECK(y[0] == Approx(2 * -3 / deviation + 1));
  CHECK(y[6] == Approx(2 * 3 / deviation + 1));
  for (int row = 0; row < 4; ++row) CHECK(y[2 * row + 1] == -1.0f);
  CHECK(mean[0] == Approx(0.4f));
  CHECK(mean[1] == Approx(0.9f));
  CHECK(variance[0] == Approx(0.9f + 0.1f * 20 / 3));
  CHECK(variance[1] == Approx(0.9f));
  CHECK(kept[0] == 0.0f);  // the handle moved on, the tensor did not change

  // Evaluation uses them and leaves them alone.
  const Tensor before = mean;
  const Tensor evaluated = batch_norm(x, Tensor::from({2}, {1, 1}), Tensor::zeros({2}), mean,
                                      variance, {.training = false, .epsilon = 0});
  CHECK(evaluated[0] == Approx((1 - 0.4f) / std::sqrt(0.9f + 2.0f / 3)));
  CHECK(mean.storage() == before.storage());
}

TEST_CASE("batch statistics survive a mean that dwarfs the deviation, and outliers") {
  const int64_t rows = 7001, channels = 19;
  const Tensor x = Tensor::generate({rows, channels}, [](int64_t i) {
    const RandomStream random(5, Purpose::synthetic);
    const float mean = i % channels == 0 ? -30000.0f : 1000.0f * static_cast<float>(i % channels);
    // The very first row lies far from all others: a bad pivot.
    return (i < channels ? 0.0f : mean) + random.normal(static_cast<uint64_t>(i));
  });
  for (const auto& candidate : backend::channel_candidates().candidates) {
    if (!candidate.supports({}, backend::Machine::current())) continue;
    INFO(candidate.name);
    for (int64_t first : {int64_t{0}, int64_t{1}}) {
      const int64_t n = rows - first;
      const float* from = x.data() + first * channels;
      std::vector<double> mean(channels), squares(channels);
      candidate.run->moments(n, channels, from, mean.data(), squares.data());
      for (int64_t c = 0; c < channels; ++c) {
        double exact_mean = 0, exact_squares = 0;
        for (int64_t r = 0; r < n; ++r) exact_mean += double{from[r * channels + c]};
        exact_mean /= static_cast<double>(n);
        for (int64_t r = 0; r < n; ++r)
          exact_squares += std::pow(double{from[r * channels + c]} - exact_mean, 2);
        CHECK(mean[static_cast<size_t>(c)] == Approx(exact_mean).epsilon(1e-9));
        CHECK(squares[static_cast<size_t>(c)] == Approx(exact_squares).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("batch_norm of inputs with a large mean is as exact as any other") {
  const int64_t rows = 501, channels = 12;
  const Tensor noise = normal({rows, channels}, 6), weights = normal({rows, channels}, 7);
  const Tensor far = Tensor::generate({rows, channels}, [&](int64_t i) {
    return std::round(noise[i] * 1024) / 1024 + 1000.0f;  // exact in float
  });
  const Tensor near = Tensor::generate({rows, channels}, [&](int64_t i) { return far[i] - 1000; });
  std::vector<Tensor> results, gradients;
  for (Tensor x : {far, near}) {
    Tensor mean = Tensor::zeros({channels}), variance = Tensor::full({channels}, 1);
    Tensor scale = Tensor::full({channels}, 1.5f), shift = Tensor::full({channels}, 0.25f);
    x.require_grad();
    scale.require_grad();
    const Tensor y = batch_norm(x, scale, shift, mean, variance, {.relu = true});
    sum(multiply(y, weights)).backward();
    results.push_back(y);
    gradients.push_back(x.grad());
    gradients.push_back(scale.grad());
  }
  CHECK(largest_difference(results[0].values(), results[1].values()) < 1e-5);
  CHECK(largest_difference(gradients[0].values(), gradients[2].values()) < 1e-5);
  CHECK(largest_difference(gradients[1].values(), gradients[3].values()) < 1e-5);
}

TEST_CASE("batch_norm on several threads gives what one thread gives") {
  const Tensor x = normal({16, 20, 20, 24}, 1), residual = normal({16, 20, 20, 24}, 2);
  std::vector<Tensor> results, gradients;
  for (int threads : {1, 3}) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    Tensor mean = Tensor::zeros({24}), variance = Tensor::full({24}, 1);
    Tensor input = x.detach();
    input.require_grad();
    const Tensor y = batch_norm(input, Tensor::full({24}, 1), Tensor::zeros({24}), mean, variance,
                                {.residual = residual, .relu = true});
    sum(multiply(y, residual)).backward();
    results.push_back(y);
    gradients.push_back(input.grad());
  }
  CHECK(largest_difference(results[1].values(), results[0].values()) < 1e-6);
  CHECK(largest_difference(gradients[1].values(), gradients[0].values()) < 1e-6);
}

TEST_CASE("wrong shapes for batch_norm, pooling and concat are errors that say so") {
  const Tensor image = Tensor::zeros({2, 5, 5, 3}), three = Tensor::zeros({3});
  Tensor mean = three, variance = three;
  CHECK_THROWS_WITH(
      batch_norm(image, Tensor::zeros({4}), three, mean, variance),
      Catch::Contains("[batch_norm] the scale must have one value for each of the 3"));
  CHECK_THROWS_WITH(batch_norm(Tensor::zeros({1, 3}), three, three, mean, variance),
                    Catch::Contains("at least two values"));
  CHECK_THROWS_WITH(
      batch_norm(image, three, three, mean, variance, {.residual = Tensor::zeros({2, 5, 4, 3})}),
      Catch::Contains("2×5×4×3"));
  CHECK_THROWS_WITH(avg_pool2d(image, {.kernel = 9}), Catch::Contains("window of 9"));
  CHECK_THROWS_WITH(global_avg_pool2d(Tensor::zeros({2, 3})), Catch::Contains("2×3"));
  CHECK_THROWS_WITH(concat(std::vector<Tensor>{image, Tensor::zeros({2, 5, 4, 3})}),
                    Catch::Contains("2×5×4×3"));
  CHECK_THROWS_WITH(concat({}), Catch::Contains("no tensor"));
}

TEST_CASE("NaN survives normalisation with ReLU, so that a broken network shows") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& candidate : backend::channel_candidates().candidates) {
    if (!candidate.supports({}, backend::Machine::current())) continue;
    Engine engine;
    EngineScope scope(engine);
    engine.plan().choose("channel", candidate.name);
    Tensor mean = Tensor::zeros({20}), variance = Tensor::full({20}, 1);
    const Tensor x =
        Tensor::generate({2, 20}, [&](int64_t i) { return i == 3 || i == 39 ? nan : 1.0f; });
    const Tensor y = batch_norm(x, Tensor::full({20}, 1), Tensor::zeros({20}), mean, variance,
                                {.training = false, .relu = true});
    CHECK(std::isnan(y[3]));
    CHECK(std::isnan(y[39]));
    CHECK_FALSE(std::isnan(y[4]));
  }
}
