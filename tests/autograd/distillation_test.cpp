// What a student is told about its teacher's answers, by hand.
#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("distillation by hand, at a temperature") {
  // T = 2. The student: logits 0 and 2·log 4, softened 0 and log 4, so p = (0.2, 0.8); at
  // temperature 1 they are 0 and log 16: (1/17, 16/17). The teacher: logits 0 and 0, t = (½, ½).
  Tensor x = Tensor::from({1, 2}, {0.0f, 2 * std::log(4.0f)}).require_grad();
  const Tensor teacher = Tensor::zeros({1, 2});
  const double kl = 0.5 * std::log(0.5 / 0.2) + 0.5 * std::log(0.5 / 0.8);
  const double hard = std::log(17.0);  // the label is class 0
  const Tensor loss = distillation_loss(x, teacher, {0}, {.temperature = 2, .weight = 0.25});
  CHECK(loss.item() == Approx(0.75 * hard + 0.25 * 4 * kl));
  loss.backward();
  // (1 − α)·(p₁ − q) + α·T·(p − t)
  CHECK(x.grad()[0] == Approx(0.75 * (1.0 / 17 - 1) + 0.25 * 2 * (0.2 - 0.5)));
  CHECK(x.grad()[1] == Approx(0.75 * 16.0 / 17 + 0.25 * 2 * (0.8 - 0.5)));

  // A student that answers as its teacher does has nothing to learn from it.
  Tensor same = Tensor::from({1, 3}, {1, -2, 0.5}).require_grad();
  const Tensor none = distillation_loss(same, same.detach(), {1}, {.temperature = 3, .weight = 1});
  CHECK(none.item() == 0.0f);
  none.backward();
  CHECK(doubles(same.grad()) == std::vector<double>{0, 0, 0});
}

TEST_CASE("at a high temperature the gradient is that of half the squared distance of logits") {
  // Equation 4 of the paper, times T²: (z − v)/K for logits with mean 0.
  Tensor z = Tensor::from({1, 4}, {1, -1, 2, -2}).require_grad();
  const Tensor v = Tensor::from({1, 4}, {0.5, 0.5, -3, 2});
  distillation_loss(z, v, {0}, {.temperature = 1000, .weight = 1}).backward();
  for (int64_t k = 0; k < 4; ++k)
    CHECK(z.grad()[k] == Approx((double{z[k]} - double{v[k]}) / 4).epsilon(0.01));
}

TEST_CASE("distillation of weight 0 is cross entropy, bit by bit") {
  Tensor a = normal({70, 7}, 1).require_grad(), b = a.detach().require_grad();
  std::vector<int32_t> classes;
  for (int32_t r = 0; r < 70; ++r) classes.push_back(r % 7);
  const Labels labels{std::span<const int32_t>(classes)};
  for (const double smoothing : {0.0, 0.2}) {
    const Tensor plain = cross_entropy(a, labels, {.label_smoothing = smoothing});
    const Tensor taught =
        distillation_loss(b, normal({70, 7}, 2), labels,
                          {.temperature = 3, .weight = 0, .label_smoothing = smoothing});
    CHECK(plain.item() == taught.item());
    a.zero_grad();
    b.zero_grad();
    plain.backward();
    taught.backward();
    CHECK(doubles(a.grad()) == doubles(b.grad()));
  }
}

TEST_CASE("distillation of large logits stays finite, and a teacher's NaN shows") {
  Tensor x = Tensor::from({2, 2}, {1e30f, -1e30f, 200, 0}).require_grad();
  const Tensor sure = Tensor::from({2, 2}, {1e30f, -1e30f, 0, -1e4f});
  const Tensor loss = distillation_loss(x, sure, {0, 0}, {.temperature = 0.5, .weight = 0.5});
  CHECK(loss.item() == 0.0f);
  loss.backward();
  for (float g : x.grad().values()) CHECK(g == 0.0f);
  const Tensor wrong = Tensor::from({2, 2}, {-200, 200, 200, 0});  // KL = 2·200/T
  CHECK(distillation_loss(wrong, Tensor::from({2, 2}, {200, -200, 200, 0}), {1, 0},
                          {.temperature = 2, .weight = 1})
            .item() == Approx(4 * 200.0 / 2));
  CHECK(std::isnan(distillation_loss(x, Tensor::from({2, 2}, {0, NAN, 0, 0}), {0, 0}).item()));
}

TEST_CASE("distillation refuses what does not go together") {
  const Tensor x = Tensor::zeros({2, 3});
  const auto with = [&](const DistillationOptions& options) {
    return distillation_loss(x, x, {0, 1}, options);
  };
  CHECK_THROWS_WITH(distillation_loss(x, Tensor::zeros({2, 4}), {0, 1}),
                    "[distillation_loss] the teacher's logits have the shape 2×4, those of the "
                    "student 2×3");
  CHECK_THROWS_WITH(distillation_loss(x, x, {0, 3}), Catch::Contains("label 3"));
  CHECK_THROWS_WITH(distillation_loss(x, x, {0}), Catch::Contains("labels"));
  CHECK_THROWS_WITH(with({.temperature = 0}), Catch::Contains("temperature must be above 0"));
  CHECK_THROWS_WITH(with({.temperature = NAN}), Catch::Contains("temperature"));
  CHECK_THROWS_WITH(with({.weight = -0.1}), Catch::Contains("weight must be between 0 and 1"));
  CHECK_THROWS_WITH(with({.weight = 1.5}), Catch::Contains("weight must be between 0 and 1"));
  CHECK_THROWS_WITH(with({.label_smoothing = 2}), Catch::Contains("label_smoothing"));
}
