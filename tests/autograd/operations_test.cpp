// Every operation, on odd shapes: the definition's gradient against differences in double
// precision, and the operation on each kernel against the definition.
#include <catch2/catch.hpp>
#include <limits>

#include "autograd/op_cases.h"
#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/backend/channel_kernels.h"
#include "espalier/autograd/backend/conv2d.h"
#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/reference/conv2d.h"
#include "espalier/autograd/backend/reference/matmul.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

struct KernelChoice {
  std::string operation, candidate;
};

template <class Problem, class Run>
void list(const backend::CandidateList<Problem, Run>& candidates, std::vector<KernelChoice>& into) {
  for (const auto& candidate : candidates.candidates)
    into.push_back({candidates.operation, candidate.name});
}

std::vector<KernelChoice> every_kernel() {
  std::vector<KernelChoice> all;
  list(backend::matmul_candidates(), all);
  list(backend::conv2d_forward_candidates(), all);
  list(backend::conv2d_input_gradient_candidates(), all);
  list(backend::conv2d_weight_gradient_candidates(), all);
  list(backend::vector_candidates(), all);
  list(backend::channel_candidates(), all);
  list(backend::activation_candidates(), all);
  return all;
}

DoubleArrays double_inputs(const OpCase& c) {
  DoubleArrays inputs;
  for (const Tensor& input : c.inputs) inputs.push_back(doubles(input));
  return inputs;
}

/// Runs forward and backward and compares with the definition; returns the largest difference.
double difference_to_definition(const OpCase& c) {
  std::vector<Tensor> inputs = c.inputs;
  for (Tensor& input : inputs) (input = input.detach()).require_grad();
  const Tensor y = c.operation(inputs);
  const Tensor weights = normal(y.shape(), 99);
  sum(multiply(y, weights)).backward();
  double worst = largest_difference(y.values(), c.forward(double_inputs(c)));
  const DoubleArrays gradients = c.backward(double_inputs(c), doubles(weights));
  for (size_t i = 0; i < inputs.size(); ++i) {
    worst = std::max(worst, largest_difference(inputs[i].grad().values(), gradients[i]));
  }
  return worst;
}

bool says_unsupported(const Error& error) {
  return std::string(error.what()).find("supports this problem") != std::string::npos;
}

}  // namespace

TEST_CASE("definitions of operations have the gradients they claim") {
  for (const OpCase& c : op_cases()) {
    INFO(c.name);
    const auto result =
        gradcheck(c.surrogate ? c.surrogate : c.forward, c.backward, double_inputs(c), 1e-6);
    INFO(result.message);
    CHECK(result.passed);
  }
}

TEST_CASE("operations agree with their definitions on the kernels chosen by default") {
  for (int threads : {1, 2, 3}) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    for (const OpCase& c : op_cases()) {
      INFO(c.name << " on " << threads << " threads");
      CHECK(difference_to_definition(c) < 1e-5);
    }
  }
}

TEST_CASE("operations agree with their definitions on every kernel") {
  for (const KernelChoice& kernel : every_kernel()) {
    Engine engine({.threads = 2});
    EngineScope scope(engine);
    engine.plan().choose(kernel.operation, kernel.candidate);
    int ran = 0;
    for (const OpCase& c : op_cases()) {
      INFO(c.name << " with " << kernel.operation << " on " << kernel.candidate);
      try {
        const double difference = difference_to_definition(c);
        CHECK(difference < 1e-5);
        ++ran;
      } catch (const Error& error) {
        if (!says_unsupported(error))
          throw;  // sums over channels on depthwise, or an instruction set we lack here
      }
    }
    if (ran == 0)
      WARN("skipped, not on this machine: " << kernel.operation << " on " << kernel.candidate);
  }
}

TEST_CASE("matrix products that are cut into blocks agree on every kernel") {
  struct Sizes {
    int64_t m, n, k;
  };
  for (const auto& [m, n, k] : {Sizes{97, 35, 331}, Sizes{24, 190, 263}, Sizes{5, 1041, 19},
                                Sizes{173, 18, 600}, Sizes{7, 5, 0}}) {
    const Tensor a = normal({m, k}, 1), b = normal({k, n}, 2), start = normal({m, n}, 3);
    for (bool transpose_a : {false, true}) {
      for (bool transpose_b : {false, true}) {
        for (float beta : {0.0f, 1.0f, -0.5f}) {
          const auto problem = backend::Matmul::packed(transpose_a, transpose_b, m, n, k, beta);
          std::vector<double> expected = doubles(start);
          backend::reference::matmul(problem, doubles(a).data(), doubles(b).data(),
                                     expected.data());
          for (const auto& kernel : backend::matmul_candidates().candidates) {
            if (!kernel.supports(problem, backend::Machine::current())) continue;
            for (int threads : {1, 3}) {
              Engine engine({.threads = threads});
              EngineScope scope(engine);
              std::vector<float> c(start.values().begin(), start.values().end());
              // A product without beta must not look at what was there before.
              if (beta == 0.0f) c[0] = std::numeric_limits<float>::quiet_NaN();
              kernel.run(problem, a.values().data(), b.values().data(), c.data());
              INFO(kernel.name << " " << m << "×" << n << "×" << k << " on " << threads);
              CHECK(largest_difference(c, expected) < 1e-5);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("convolutions that are cut into blocks agree on every kernel") {
  struct Sizes {
    int64_t height, width, channels, out_channels, padding;
  };
  // Tiles that reach beyond the border, channels that fill no vector, several blocks and a rest.
  for (const auto& [height, width, channels, out_channels, padding] :
       {Sizes{13, 18, 19, 37, 1}, Sizes{9, 8, 64, 16, 0}, Sizes{7, 10, 33, 24, 2}}) {
    const backend::Conv2d problem{6, height, width, channels, out_channels, 3, 3, 1, padding, 1, 1};
    const Tensor x = normal({6, height, width, channels}, 1);
    const Tensor w = normal({out_channels, 3, 3, channels}, 2), b = normal({out_channels}, 3);
    const Tensor gy = normal({6, problem.out_height(), problem.out_width(), out_channels}, 4);
    std::vector<double> y(static_cast<size_t>(gy.size())), gx(static_cast<size_t>(x.size())),
        gw(static_cast<size_t>(w.size()));
    backend::reference::conv2d_forward(problem, doubles(x).data(), doubles(w).data(),
                                       doubles(b).data(), y.data());
    backend::reference::conv2d_input_gradient(problem, doubles(gy).data(), doubles(w).data(),
                                              gx.data());
    backend::reference::conv2d_weight_gradient(problem, doubles(gy).data(), doubles(x).data(),
                                               gw.data());
    for (int threads : {1, 3}) {
      Engine engine({.threads = threads});
      EngineScope scope(engine);
      const auto check = [&](const auto& candidates, const std::vector<double>& expected,
                             auto... inputs) {
        for (const auto& kernel : candidates.candidates) {
          if (!kernel.supports(problem, backend::Machine::current())) continue;
          std::vector<float> result(expected.size());
          kernel.run(problem, inputs..., result.data());
          INFO(candidates.operation << " on " << kernel.name << ", " << problem.describe() << ", "
                                    << threads << " threads");
          CHECK(largest_difference(result, expected) < 1e-5);
        }
      };
      check(backend::conv2d_forward_candidates(), y, x.data(), w.data(), b.data());
      check(backend::conv2d_input_gradient_candidates(), gx, gy.data(), w.data());
      check(backend::conv2d_weight_gradient_candidates(), gw, gy.data(), x.data());
    }
  }
}

TEST_CASE("a kernel plan that names no kernel is an error") {
  Engine engine;
  EngineScope scope(engine);
  engine.plan().choose("matmul", "quantum");
  CHECK_THROWS_WITH(linear(Tensor::zeros({1, 2}), Tensor::zeros({3, 2}), {}),
                    Catch::Contains("'quantum'"));
}

TEST_CASE("a kernel plan tells problems of an operation apart") {
  Engine engine;
  EngineScope scope(engine);
  const Tensor small = Tensor::zeros({1, 2}), large = Tensor::zeros({3, 2});
  const Tensor w = Tensor::zeros({4, 2});
  engine.plan().choose("matmul 3x4x2 a bT", "quantum");
  linear(small, w, {});
  CHECK_THROWS_WITH(linear(large, w, {}), Catch::Contains("'quantum'"));
  engine.plan().choose("matmul 3x4x2 a bT", "baseline");
  engine.plan().choose("matmul", "quantum");  // for all others
  linear(large, w, {});
  CHECK_THROWS_WITH(linear(small, w, {}), Catch::Contains("'quantum'"));
}

TEST_CASE("measuring chooses a kernel for each problem and changes no result") {
  const Tensor x = normal({4, 9, 9, 5}, 1), kernel = normal({7, 3, 3, 5}, 2);
  const auto gradient = [&](Engine& engine) {
    EngineScope scope(engine);
    Tensor image = x.detach(), w = kernel.detach();
    image.require_grad();
    w.require_grad();
    sum(multiply(conv2d(image, w, {}, {.padding = 1}), normal({4, 9, 9, 7}, 3))).backward();
    return std::pair(image.grad(), w.grad());
  };
  Engine plain({.threads = 2}), measuring({.threads = 2});
  measuring.plan().measure(true);
  const auto expected = gradient(plain), measured = gradient(measuring);
  CHECK(largest_difference(measured.first.values(), expected.first.values()) < 1e-5);
  CHECK(largest_difference(measured.second.values(), expected.second.values()) < 1e-5);
  const std::string sizes = "4x9x9x5 7x3x3 stride 1 padding 1 dilation 1 groups 1";
  CHECK(measuring.plan().choices().size() == 3);
  for (const char* pass : {"conv2d.forward", "conv2d.input_gradient", "conv2d.weight_gradient"}) {
    INFO(pass);
    CHECK_FALSE(measuring.plan().choice(pass, sizes).empty());
    CHECK(measuring.plan().choice(pass, sizes) != "reference");
  }
}

TEST_CASE("large problems run on several threads with the same result") {
  const Tensor x = normal({37, 20, 21, 3}, 1), w = normal({11, 5, 5, 3}, 2), b = normal({11}, 3);
  std::vector<Tensor> results;
  for (int threads : {1, 2, 5}) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    engine.plan().choose("conv2d.forward", "im2col");
    results.push_back(max_pool2d(relu(conv2d(x, w, b, {})), {.kernel = 2}));
  }
  CHECK(largest_difference(results[1].values(), results[0].values()) < 1e-5);
  CHECK(largest_difference(results[2].values(), results[0].values()) < 1e-5);
}

TEST_CASE("wrong shapes are errors that name the operation and the shapes") {
  const Tensor image = Tensor::zeros({2, 5, 5, 3});
  CHECK_THROWS_WITH(conv2d(image, Tensor::zeros({4, 3, 3, 16}), {}, {}),
                    "[conv2d] the input has 3 channels but the weight expects 16");
  CHECK_THROWS_WITH(conv2d(image, Tensor::zeros({4, 7, 7, 3}), {}, {}),
                    Catch::Contains("does not fit"));
  CHECK_THROWS_WITH(conv2d(image, Tensor::zeros({4, 3, 3, 3}), Tensor::zeros({5}), {}),
                    Catch::Contains("bias"));
  CHECK_THROWS_WITH(conv2d(image, Tensor::zeros({4, 3, 3, 3}), {}, {.stride = 0}),
                    Catch::Contains("stride"));
  CHECK_THROWS_WITH(linear(Tensor::zeros({2, 5}), Tensor::zeros({3, 4}), {}),
                    Catch::Contains("5") && Catch::Contains("4"));
  CHECK_THROWS_WITH(add(image, Tensor::zeros({2})), Catch::Contains("2×5×5×3"));
  CHECK_THROWS_WITH(reshape(image, {7}), Catch::Contains("150 elements"));
  CHECK_THROWS_WITH(cross_entropy(Tensor::zeros({2, 3}), {0, 3}), Catch::Contains("label 3"));
  CHECK_THROWS_WITH(cross_entropy(Tensor::zeros({2, 3}), {0}), Catch::Contains("labels"));
  CHECK_THROWS_WITH(clamp(image, 1, 0), Catch::Contains("lower bound"));
  CHECK_THROWS_WITH(max_pool2d(image, {.kernel = 9}), Catch::Contains("window of 9"));
}

TEST_CASE("NaN survives relu and max pooling, so that a broken network shows") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* kernels : {"reference", "baseline"}) {
    Engine engine;
    EngineScope scope(engine);
    engine.plan().choose("vector", kernels);
    CHECK(std::isnan(relu(Tensor::from({2}, {1, nan}))[1]));
    for (int position = 0; position < 4; ++position) {
      const Tensor x =
          Tensor::generate({1, 2, 2, 1}, [&](int64_t i) { return i == position ? nan : 1.0f; });
      CHECK(std::isnan(max_pool2d(x, {.kernel = 2})[0]));
    }
  }
}

TEST_CASE("the gradient of a maximum goes to the first of equal values") {
  Tensor x = Tensor::full({1, 2, 2, 1}, 3).require_grad();
  sum(max_pool2d(x, {.kernel = 2})).backward();
  CHECK(doubles(x.grad()) == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("cross entropy by hand, with smoothed labels") {
  // p = (0.2, 0.8): logits 0 and log 4. Targets with ε = 0.3 over two classes: 0.85 and 0.15.
  Tensor x = Tensor::from({1, 2}, {0.0f, std::log(4.0f)}).require_grad();
  const Tensor loss = cross_entropy(x, {0}, {.label_smoothing = 0.3});
  CHECK(loss.item() == Approx(-0.85 * std::log(0.2) - 0.15 * std::log(0.8)));
  loss.backward();
  CHECK(x.grad()[0] == Approx(0.2 - 0.85));
  CHECK(x.grad()[1] == Approx(0.8 - 0.15));
  CHECK(cross_entropy(x, {0}).item() == Approx(-std::log(0.2)));
  CHECK(cross_entropy(Tensor::from({1, 2}, {1e30f, -1e30f}), {0}).item() == 0.0f);
  CHECK_THROWS_WITH(cross_entropy(x, {0}, {.label_smoothing = 1.5}),
                    Catch::Contains("label_smoothing"));
}

TEST_CASE("quantizing limits codes, keeps zero and rounds ties to even") {
  // Codes of −1, −0.25, 0, 0.125, 0.375, 0.5, 100 at scale 0.25 and zero point 2:
  // −2 → 0, 1, 2, 0.5 + 2 → 2 (even before the zero point is added), 1.5 → 2 + 2, 4, 7 (highest).
  const QuantizationGrid grid{.scale = 0.25f, .zero_point = 2, .lowest = 0, .highest = 7};
  const Tensor x = Tensor::from({7}, {-1, -0.25f, 0, 0.125f, 0.375f, 0.5f, 100});
  const Tensor y = fake_quantize(x, std::span(&grid, 1));
  const float expected[] = {-0.5f, -0.25f, 0, 0, 0.5f, 0.5f, 1.25f};
  for (int64_t i = 0; i < 7; ++i) CHECK(y[i] == expected[i]);
  const ValueRange range = value_range(x);
  CHECK(range.low == -1);
  CHECK(range.high == 100);

  const QuantizationGrid flat{.scale = 0};
  CHECK_THROWS_WITH(fake_quantize(x, std::span(&flat, 1)), Catch::Contains("scale above 0"));
  const std::vector<QuantizationGrid> two(2);
  CHECK_THROWS_WITH(fake_quantize(x, two), Catch::Contains("2 grids do not fit"));
}

TEST_CASE("rounding goes to even and covers large numbers") {
  const std::vector<float> values{0.5f,        1.5f,       2.5f,       -0.5f,  -1.5f,
                                  0.49999997f, 4194304.5f, 8388609.0f, -1e30f, 7.3f};
  const std::vector<float> rounded{0, 2, 2, -0.0f, -2, 0, 4194304.0f, 8388609.0f, -1e30f, 7};
  const Tensor y = round_straight_through(Tensor::from({10}, values));
  for (size_t i = 0; i < values.size(); ++i) CHECK(y[static_cast<int64_t>(i)] == rounded[i]);
}
