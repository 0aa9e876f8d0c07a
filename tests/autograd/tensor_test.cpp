#include <catch2/catch.hpp>
#include <thread>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/gradcheck.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("shapes") {
  CHECK(Shape{2, 28, 28, 1}.to_string() == "2×28×28×1");
  CHECK(Shape{}.to_string() == "scalar");
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{3, 0, 2}.elements() == 0);
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK_THROWS_WITH((Shape{2, -1}), Catch::Contains("negative"));
  CHECK_THROWS_WITH((Shape{1, 1, 1, 1, 1, 1, 1}), Catch::Contains("at most 6"));
}

TEST_CASE("tensors share memory and reshape keeps it") {
  const Tensor a = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = reshape(a, {6});
  CHECK(b.data() == a.data());
  CHECK(reinterpret_cast<uintptr_t>(a.data()) % 64 == 0);
  CHECK(a[4] == 5);
  CHECK_THROWS_WITH(Tensor::from({2, 2}, {1, 2, 3}), Catch::Contains("3 values"));
  CHECK_THROWS_WITH(a.item(), Catch::Contains("exactly one"));
}

TEST_CASE("gradients of a value that is used several times add up") {
  Tensor x = Tensor::from({2}, {3, -2}).require_grad();
  sum(add(multiply(x, x), x)).backward();  // x² + x
  CHECK(doubles(x.grad()) == std::vector<double>{7, -3});
  sum(x).backward();  // a second backward adds to what is there
  CHECK(doubles(x.grad()) == std::vector<double>{8, -2});
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("adding to a gradient does not change who else holds it") {
  Tensor x = Tensor::scalar(1).require_grad(), y = Tensor::scalar(1).require_grad();
  const Tensor s = add(x, y);  // both gradients are the same tensor at first
  add(s, x).backward();
  CHECK(x.grad().item() == 2);
  CHECK(y.grad().item() == 1);
}

TEST_CASE("backward runs once, on scalars that depend on a leaf") {
  Tensor x = Tensor::from({2}, {1, 2}).require_grad();
  const Tensor y = multiply(x, x);
  CHECK_THROWS_WITH(y.backward(), Catch::Contains("single number"));
  const Tensor loss = sum(y);
  loss.backward();
  CHECK_THROWS_WITH(loss.backward(), Catch::Contains("used up"));
  CHECK_THROWS_WITH(sum(y).backward(), Catch::Contains("used up"));
  CHECK_THROWS_WITH(sum(x.detach()).backward(), Catch::Contains("requires a gradient"));
  CHECK_THROWS_WITH(Tensor(y).require_grad(), Catch::Contains("leaves"));
}

TEST_CASE("results keep their gradient only when asked") {
  Tensor x = Tensor::scalar(3).require_grad();
  const Tensor kept = multiply(x, x), dropped = multiply(kept, x);
  kept.retain_grad();
  sum(dropped).backward();
  CHECK(kept.grad().item() == 3);
  CHECK_FALSE(dropped.grad().defined());
  CHECK(x.grad().item() == 27);
}

TEST_CASE("nothing is recorded under NoGrad") {
  Tensor x = Tensor::scalar(2).require_grad();
  NoGrad no_grad;
  CHECK_FALSE(multiply(x, x).requires_grad());
}

TEST_CASE("a long chain of operations is taken apart without recursion") {
  Tensor x = Tensor::scalar(1).require_grad();
  Tensor y = x;
  for (int i = 0; i < 200'000; ++i) y = add(y, x);
  y = Tensor();  // never differentiated: destroyed through the graph
  Tensor z = x;
  for (int i = 0; i < 10'000; ++i) z = add(z, x);
  z.backward();
  CHECK(x.grad().item() == 10'001);
}

TEST_CASE("backward gives a step's memory back to the pool") {
  Engine engine;
  EngineScope scope(engine);
  Tensor x = normal({64, 64}, 1).require_grad();
  const size_t before = engine.buffers().stats().bytes_in_use;
  {
    const Tensor loss = sum(relu(multiply(x, x)));
    CHECK(engine.buffers().stats().bytes_in_use > before);
    loss.backward();
  }
  x.zero_grad();
  CHECK(engine.buffers().stats().bytes_in_use == before);
}

TEST_CASE("a trace lists the operations on its input, with layers and numbers") {
  const Tensor weight = normal({4, 6}, 1);
  Trace trace(Tensor::zeros({2, 6}));
  {
    LayerScope outer("block"), inner("fc");
    const Tensor scaled = multiply(weight, weight);  // does not depend on the input: no entry
    relu(linear(trace.input(), scaled, {}));
  }
  const auto& seen = trace.operations();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].operation == "linear");
  CHECK(seen[0].layer == "block.fc");
  CHECK(seen[0].inputs == std::vector<int>{0, -1, -1});
  CHECK(seen[0].output_shape == Shape{2, 4});
  CHECK(seen[1].operation == "relu");
  CHECK(seen[1].inputs == std::vector<int>{seen[0].output});
}

TEST_CASE("masks") {
  const Tensor bits = Tensor::generate({5, 27}, [](int64_t i) { return i % 5 == 0 ? 0.0f : 1.0f; });
  const Mask mask = Mask::from(bits);
  CHECK(mask.count() == 108);
  CHECK(mask.masked() == 27);
  CHECK_FALSE(mask[0]);
  CHECK(mask[134]);
  CHECK(doubles(mask.to_tensor()) == doubles(bits));
  CHECK(Mask::ones({135}).count() == 135);
  CHECK(Mask::ones({5, 27}) == Mask::from(Tensor::full({5, 27}, 1)));
  CHECK_FALSE(mask == Mask::ones({5, 27}));
  CHECK_THROWS_WITH(Mask::from(Tensor::from({3}, {0, 1, 0.5f})), Catch::Contains("element 2"));
}

TEST_CASE("a public gradient check passes right gradients and fails wrong and absent ones") {
  const auto good = [](const std::vector<Tensor>& x) { return multiply(x[0], relu(x[1])); };
  const Tensor away_from_the_kink = Tensor::generate({3, 4}, [](int64_t i) {
    return (i % 2 ? 1.0f : -1.0f) * (0.3f + 0.1f * static_cast<float>(i));
  });
  CHECK(gradcheck(good, {normal({3, 4}, 1), away_from_the_kink}).passed);
  const auto wrong = [](const std::vector<Tensor>& x) {
    return record("wrong", {&x[0]}, multiply(x[0].detach(), x[0].detach()), {},
                  [](const Tensor& g, InputGradients& into) { into.add(0, g); });
  };
  CHECK_FALSE(gradcheck(wrong, {normal({3}, 1)}).passed);
  const auto flat = [](const std::vector<Tensor>& x) { return relu(clamp(x[0], -2, -1)); };
  const GradcheckResult zero = gradcheck(flat, {normal({3}, 1)});
  CHECK_FALSE(zero.passed);
  CHECK_THAT(zero.message, Catch::Contains("proves nothing"));
}

TEST_CASE("threads have engines of their own") {
  Engine engine({.threads = 1});
  EngineScope scope(engine);
  const Engine* other = nullptr;
  std::thread([&] { other = &Engine::current(); }).join();
  CHECK(&Engine::current() == &engine);
  CHECK(other != &engine);
}
