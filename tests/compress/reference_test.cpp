// The evaluator of exported networks that other tests compare with: float32 against the framework's
// own operations, codes against numbers worked out by hand.
#include "espalier/compress/file/reference.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/ops.h"
#include "espalier/compress/file/reference_arithmetic.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;
namespace file = espalier::compress::file;

namespace {

/// One operation on float32 values, evaluated for one picture per input.
std::vector<double> result(const file::What& what, const std::vector<Tensor>& inputs,
                           const Tensor& expected) {
  file::Network network;
  const auto shape = [](const Tensor& x) {
    std::vector<int64_t> one;
    for (int axis = 1; axis < x.shape().axes(); ++axis) one.push_back(x.shape()[axis]);
    return one;
  };
  file::Operation operation{"op", {}, static_cast<int>(inputs.size()), what};
  std::vector<file::Contents> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    network.values.push_back({shape(inputs[i]), {}});
    operation.inputs.push_back(static_cast<int>(i));
    values.push_back({{}, doubles(inputs[i])});
  }
  network.values.push_back({shape(expected), {}});
  return file::Reference(network).result_of(operation, values).numbers;
}

void check(const file::What& what, const std::vector<Tensor>& inputs, const Tensor& expected) {
  CHECK(largest_difference(result(what, inputs, expected), doubles(expected)) < 1e-5);
}

file::Weights weights(const Tensor& w) {
  file::Weights result;
  for (int axis = 0; axis < w.shape().axes(); ++axis) result.shape.push_back(w.shape()[axis]);
  result.values.assign(w.values().begin(), w.values().end());
  return result;
}

std::vector<float> floats(const Tensor& x) {
  return {x.values().begin(), x.values().end()};
}

/// One operation on codes.
std::vector<int64_t> codes(const file::What& what, std::vector<file::Value> values,
                           std::vector<file::Contents> contents) {
  file::Operation operation{"op", {}, static_cast<int>(values.size()) - 1, what};
  for (int i = 0; i < operation.output; ++i) operation.inputs.push_back(i);
  file::Network network;
  network.values = std::move(values);
  return file::Reference(network).result_of(operation, contents).codes;
}

}  // namespace

TEST_CASE("network reference: float32 operations are the framework's") {
  const Tensor x = normal({1, 7, 6, 4}, 1), b = normal({6}, 2);
  for (const int groups : {1, 2}) {
    const Tensor w = normal({6, 3, 2, 4 / groups}, 3);
    const file::Convolution c{weights(w), {floats(b), {}, 0}, 2, 2, 2, groups, file::Clamp::relu};
    check(c, {x},
          relu(conv2d(x, w, b, {.stride = 2, .padding = 2, .dilation = 2, .groups = groups})));
  }
  const Tensor flat = normal({1, 9}, 4), w = normal({6, 9}, 5);
  check(file::Linear{weights(w), {floats(b), {}, 0}, file::Clamp::relu6}, {flat},
        relu6(linear(flat, w, b)));
  check(file::MaxPool{3, 2, 1}, {x}, max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1}));
  check(file::AveragePool{3, 2, 1}, {x}, avg_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1}));
  check(file::GlobalAveragePool{}, {x}, global_avg_pool2d(x));
  const Tensor other = normal({1, 7, 6, 4}, 6);
  check(file::Add{}, {x, other}, add(x, other));
  check(file::Concat{}, {x, other}, concat(std::vector<Tensor>{x, other}));
  check(file::Flatten{}, {x}, flatten(x));
  using F = file::Function;
  check(file::Activation{F::relu, 0, {}}, {x}, relu(x));
  check(file::Activation{F::relu6, 0, {}}, {x}, relu6(x));
  check(file::Activation{F::leaky_relu, 0.2f, {}}, {x}, leaky_relu(x, 0.2f));
  check(file::Activation{F::sigmoid, 0, {}}, {x}, sigmoid(x));
  check(file::Activation{F::tanh, 0, {}}, {x}, espalier::tanh(x));
  check(file::Activation{F::gelu, 0, {}}, {x}, gelu(x));
  check(file::Activation{F::hardswish, 0, {}}, {x}, hardswish(x));
}

TEST_CASE("network reference: weights as codes and indices are real numbers on float32") {
  const Tensor x = Tensor::generate({1, 2}, [](int64_t i) { return i == 0 ? 1.0f : 10.0f; });
  const Tensor y = Tensor::zeros({1, 2});
  file::Linear linear;
  linear.weights.shape = {2, 2};
  linear.weights.codes = {3, -1, 2, 0};
  linear.weights.scales = {0.5f, 2};
  linear.bias.codes = {1, -1};
  linear.bias.scale = 0.25f;
  CHECK(result(linear, {x}, y) == std::vector<double>{1.5 - 5 + 0.25, 4 - 0.25});
  linear.weights.codes.clear();
  linear.weights.codebook = {0, 0.5f, -3};
  linear.weights.indices = {1, 0, 2, 1};
  CHECK(result(linear, {x}, y) == std::vector<double>{0.75, -3 + 5 - 0.25});
}

TEST_CASE("network reference: multipliers and rounding are those of the written rule") {
  // 1/3 = ⅔·2^−1: shift 31 + 1, factor ⌊2^32/3 + ½⌋.
  CHECK(file::Ratio(1.0 / 3).shift == 32);
  CHECK(file::Ratio(1.0 / 3).factor == 1431655765);
  CHECK(file::Ratio(1).shift == 30);
  CHECK(file::Ratio(1).factor == 1 << 30);
  CHECK(file::Ratio(std::ldexp(1.0, -40)).shift == 62);  // below 2^−32 the factor shrinks
  CHECK(file::Ratio(std::ldexp(1.0, -40)).factor == 1 << 22);
  CHECK(file::Ratio(1 - std::ldexp(1.0, -40)).factor ==
        1 << 30);  // rounds up to 2^31, hence half of it
  CHECK(file::Ratio(1 - std::ldexp(1.0, -40)).shift == 30);
  CHECK(file::rounded(5, 1) == 3);
  CHECK(file::rounded(-5, 1) == -2);
  CHECK(file::rounded(-7, 2) == -2);
  CHECK(file::rounded(-6, 2) == -1);
  CHECK(file::rounded(-8, 2) == -2);
}

TEST_CASE("network reference: operations on codes, by hand") {
  const file::Grid half{0.5f, 1, -128, 127}, one{1, -2, -100, 100};
  const file::Value x{{1, 2, 1}, half}, y{{1, 2, 1}, one};
  // 7 is 3 and −4 is −2.5: 3 − 2 and, half upwards, −2 − 2.
  CHECK(codes(file::Convert{}, {x, y}, {{{7, -4}, {}}}) == std::vector<int64_t>{1, -4});
  // 3 + 3 and −2.5 − 2.5, then the clamp to 0.
  CHECK(codes(file::Add{}, {x, x, y}, {{{7, -4}, {}}, {{7, -4}, {}}}) ==
        std::vector<int64_t>{4, -7});
  CHECK(codes(file::Add{file::Clamp::relu}, {x, x, y}, {{{7, -4}, {}}, {{7, -4}, {}}}) ==
        std::vector<int64_t>{4, -2});
  // The mean of 3 and −2.5 is 0.25.
  CHECK(codes(file::GlobalAveragePool{}, {x, {{1}, one}}, {{{7, -4}, {}}}) ==
        std::vector<int64_t>{-2});
  // 60.5 and 60.5 exceed the highest code, relu6 ends at 6 − 2.
  CHECK(codes(file::Add{}, {x, x, y}, {{{122, 1}, {}}, {{122, 1}, {}}}) ==
        std::vector<int64_t>{100, -2});
  CHECK(codes(file::Add{file::Clamp::relu6}, {x, x, y}, {{{122, 1}, {}}, {{122, 1}, {}}}) ==
        std::vector<int64_t>{4, -2});
  // From codes to float32 and back: ties to even.
  file::Network network;
  network.values = {{{2}, half}, {{2}, {}}, {{2}, one}};
  network.operations = {{"", {0}, 1, file::Convert{}}, {"", {1}, 2, file::Convert{}}};
  const auto all = file::Reference(network).all_values({{8, 6}, {}});
  CHECK(all[1].numbers == std::vector<double>{3.5, 2.5});
  CHECK(all[2].codes == std::vector<int64_t>{4 - 2, 2 - 2});
}
