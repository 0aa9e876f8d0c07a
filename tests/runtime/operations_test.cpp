#include <catch2/catch.hpp>
#include <cstring>

#include "espalier/compress/runtime/load_with.h"
#include "runtime/builder.h"
#include "runtime/emulated_kernels.h"
#include "runtime/naive.h"

using namespace build;
using espalier::runtime::Instructions;
using espalier::runtime::Model;

namespace {

/// Every operation, in the two kinds of arithmetic.
std::vector<std::pair<std::string, file::Network>> networks(const Options& options) {
  std::vector<std::pair<std::string, file::Network>> all;
  const auto finish = [&](const char* name, Builder& b) { all.emplace_back(name, b.network); };
  {
    Builder b({28, 28, 1}, options);
    add_lenet5_convolutions(b);
    b.linear(100, file::Clamp::relu);
    b.linear(10);
    finish("lenet5", b);
  }
  {
    Builder b({8, 8, 2}, options);
    b.flatten();
    b.linear(67, file::Clamp::relu6);
    b.linear(33, file::Clamp::relu);
    b.linear(10);
    finish("linear", b);
  }
  {
    Builder b({13, 11, 3}, options);
    b.network.normalisation = {{0.4f, 0.5f, 0.6f}, {0.2f, 0.25f, 0.3f}};
    const int start = b.conv(16, 3, {.padding = 1, .clamp = file::Clamp::relu});
    b.conv(16, 3, {.padding = 1, .clamp = file::Clamp::relu6});
    const int second = b.conv(16, 3, {.padding = 1});
    const int joined = b.sum(start, second, file::Clamp::relu);
    b.conv(24, 3, {.stride = 2, .padding = 1, .clamp = file::Clamp::relu});
    const int deep = b.conv(24, 3, {.padding = 1});
    b.current = joined;
    const int side = b.conv(24, 1, {.stride = 2});
    b.sum(deep, side, file::Clamp::relu);
    b.global_average();
    b.linear(10);
    finish("residual", b);
  }
  {
    Builder b({36, 24, 5}, options);
    const int start =
        b.conv(9, 3, {.stride = 2, .padding = 2, .dilation = 2, .clamp = file::Clamp::relu});
    const int side = b.conv(7, 3, {.stride = 3, .padding = 1});
    b.current = start;
    const int deep = b.conv(7, 3, {.stride = 3, .padding = 1});
    b.sum(side, deep, file::Clamp::relu);
    finish("strides", b);
  }
  {
    Builder b({16, 12, 6}, options);
    const int left = b.conv(10, 5, {.stride = 2, .padding = 4});
    b.current = 0;
    b.conv(10, 4, {.stride = 2, .padding = 4, .clamp = file::Clamp::relu6});
    b.pool(file::MaxPool{.kernel = 2, .stride = 1});
    b.sum(left, b.current);
    b.conv(4, 2, {.stride = 2});
    finish("more strides", b);
  }
  {
    Builder b({16, 16, 8}, options);
    const int start = b.conv(8, 3, {.padding = 1, .clamp = file::Clamp::relu});
    const int side = b.conv(12, 1, {.stride = 2});
    b.current = start;
    b.conv(12, 3, {.stride = 2, .padding = 1, .clamp = file::Clamp::relu});
    const int deep = b.conv(12, 3, {.padding = 1});
    b.sum(side, deep, file::Clamp::relu);
    finish("strided block", b);
  }
  {
    Builder b({12, 12, 8}, options);
    b.conv(8, 3, {.padding = 1, .groups = 8, .clamp = file::Clamp::relu});
    b.conv(19, 1);
    b.conv(19, 3,
           {.stride = 2, .padding = 2, .dilation = 2, .groups = 19, .clamp = file::Clamp::relu6});
    b.pool(file::AveragePool{.kernel = 3, .stride = 2, .padding = 1});
    finish("depthwise", b);
  }
  {
    Builder b({9, 10, 6}, options);
    const int left = b.conv(8, 3, {.padding = 2, .dilation = 2, .groups = 2});
    b.current = 0;
    b.conv(5, 1, {.clamp = file::Clamp::relu});
    const int right = b.pool(file::MaxPool{.kernel = 3, .stride = 1, .padding = 1});
    const int both = b.concat({left, right, 0});
    b.activation(file::Function::hardswish);
    b.conv(19, 3, {.padding = 1});
    b.concat({both, b.current});
    b.pool(file::MaxPool{.kernel = 3, .stride = 2, .padding = 1});
    finish("concat", b);
  }
  {
    Builder b({4, 6, 5}, options);
    b.flatten();
    b.activation(file::Function::leaky_relu);
    b.reshape({6, 4, 5});
    b.conv(7, 2);
    b.activation(file::Function::tanh);
    b.reshape({105});
    b.linear(9);
    b.activation(file::Function::sigmoid);
    b.linear(5);
    b.activation(file::Function::gelu);
    finish("functions", b);
  }
  {
    Builder b({6, 6, 4}, options);
    const int first = b.conv(4, 3, {.padding = 1});
    const int other =
        b.convert(options.codes ? std::optional(file::Grid{0.03f, 7, -100, 90}) : std::nullopt);
    b.sum(first, first, file::Clamp::relu6);
    if (options.codes) {
      b.sum(b.current, other);
      b.conv(6, 3, {.padding = 1});
      b.network.values.back().grid.reset();  // codes go in, float32 comes out
      b.convert(file::Grid{0.05f, 3, -8, 7});
      b.convert(std::nullopt);
    } else {
      b.network.values.back().grid.reset();
    }
    finish("conversions", b);
  }
  // A conversion from float32 to float32 is none; the float network ends before.
  if (!options.codes) {
    auto& last = all.back().second;
    std::erase_if(last.operations,
                  [](const auto& o) { return std::holds_alternative<file::Convert>(o.what); });
    last.operations.back().output = 2;
    last.values.erase(last.values.begin() + 2);
  }
  return all;
}

/// Those of the processor, and best as a word for the emulated ones.
constexpr Instructions emulated = Instructions::best;
std::vector<Instructions> available() {
  std::vector<Instructions> result = {Instructions::portable, emulated};
  Model model;
  const auto bytes = file::encode(networks({})[1].second);
  for (const Instructions i : {Instructions::avx2, Instructions::avx512}) {
    if (espalier::runtime::load(bytes.data(), bytes.size(), {.instructions = i}, model).ok())
      result.push_back(i);
  }
  return result;
}

/// Runs `batch` samples and compares each with the reference.
void check(const file::Network& network, const espalier::runtime::Options& options, int batch) {
  const auto bytes = file::encode(network);
  Model model;
  const auto status = options.instructions == emulated
                          ? espalier::runtime::load_with(emulated_kernels(), bytes.data(),
                                                         bytes.size(), options, model)
                          : espalier::runtime::load(bytes.data(), bytes.size(), options, model);
  INFO(status.message());
  REQUIRE(status.ok());
  std::mt19937 random(5);
  std::vector<uint8_t> pixels(static_cast<size_t>(batch * model.input_size()));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random());
  const auto outputs = static_cast<size_t>(model.output_size());
  std::vector<char> arena(model.arena_bytes(batch), 0x7f);
  std::vector<float> scores(outputs * static_cast<size_t>(batch));
  std::vector<int8_t> codes(scores.size());
  const auto ran = model.run(pixels.data(), batch, scores.data(), arena.data(), arena.size());
  INFO(ran.message());
  REQUIRE(ran.ok());
  const bool has_codes = network.values.back().has_codes();
  REQUIRE(model.output_has_codes() == has_codes);
  if (has_codes)
    REQUIRE(model.run(pixels.data(), batch, codes.data(), arena.data(), arena.size()).ok());
  // The same as float32 in the place of pixels.
  std::vector<float> values(pixels.size()), again(scores.size());
  for (size_t i = 0; i < pixels.size(); ++i) values[i] = static_cast<float>(pixels[i]) / 255.0f;
  REQUIRE(model.run(values.data(), batch, again.data(), arena.data(), arena.size()).ok());

  bool varies = false;
  for (int n = 0; n < batch; ++n) {
    std::vector<double> input;
    for (size_t i = 0; i < static_cast<size_t>(model.input_size()); ++i)
      input.push_back(pixels[static_cast<size_t>(n) * static_cast<size_t>(model.input_size()) + i] /
                      255.0);
    const auto expected = naive::output(network, input);
    const auto meaning = naive::meaning(network.values.back(), expected);
    double largest = 0;
    for (const double x : meaning) largest = std::max(largest, std::abs(x));
    REQUIRE(largest > 0);
    for (size_t i = 0; i < outputs; ++i) {
      const size_t at = static_cast<size_t>(n) * outputs + i;
      INFO("sample " << n << ", output " << i);
      if (has_codes) REQUIRE(int{codes[at]} == static_cast<int>(expected[i]));
      REQUIRE(std::abs(scores[at] - meaning[i]) <= 2e-5 * largest);
      REQUIRE(std::abs(again[at] - meaning[i]) <=
              (has_codes ? 0.51 * model.output_scale() * 20 : 3e-5 * largest));
      varies = varies || meaning[i] != meaning[0];
    }
  }
  REQUIRE(varies);
}

}  // namespace

TEST_CASE("runtime: every operation gives what the naive evaluator gives") {
  for (const bool codes : {false, true}) {
    for (const double density : {1.0, 0.12}) {
      for (const auto& [name, network] :
           networks({.codes = codes, .density = density, .seed = 3})) {
        for (const Instructions instructions : available()) {
          for (const bool sparse : {false, true}) {
            for (const int batch : {1, 7}) {
              INFO(name << ", codes " << codes << ", density " << density << ", instructions "
                        << int(instructions) << ", sparse " << sparse << ", batch " << batch);
              check(network, {.instructions = instructions, .sparse = sparse}, batch);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("runtime: weights in every form") {
  for (const Options& options : std::vector<Options>{
           {.form = Form::codes, .bits = 4},
           {.form = Form::channel_codes, .bits = 8, .density = 0.3},
           {.form = Form::codebook, .density = 0.2},
           {.codes = true, .form = Form::channel_codes, .bits = 4},
           {.codes = true, .form = Form::channel_codes, .bits = 2, .density = 0.5},
           {.codes = true, .form = Form::codes, .bits = 9},
           {.codes = true, .form = Form::codes, .bits = 8, .density = 0.2, .block = 4}}) {
    for (const auto& [name, network] : networks(options)) {
      if (name != "lenet5" && name != "residual" && name != "linear") continue;
      for (const Instructions instructions : available()) {
        INFO(name << ", form " << int(options.form) << ", bits " << options.bits
                  << ", instructions " << int(instructions));
        check(network, {.instructions = instructions}, 3);
      }
    }
  }
}

TEST_CASE(
    "runtime: with a stride too kept weights alone are visited, where it divides the picture") {
  const auto sparse_layers = [](std::vector<int64_t> input, int64_t kernel, int stride,
                                const espalier::runtime::Options& options) {
    Builder b(std::move(input), {.codes = true, .form = Form::codes, .density = 0.2, .block = 4});
    b.conv(8, kernel, {.stride = stride, .padding = static_cast<int>(kernel / 2)});
    const auto bytes = file::encode(b.network);
    Model model;
    REQUIRE(espalier::runtime::load(bytes.data(), bytes.size(), options, model).ok());
    return model.sparse_layers();
  };
  CHECK(sparse_layers({16, 16, 8}, 3, 1, {}) == 1);
  CHECK(sparse_layers({16, 16, 8}, 3, 2, {}) == 1);
  CHECK(sparse_layers({18, 24, 8}, 5, 3, {}) == 1);
  CHECK(sparse_layers({16, 16, 8}, 3, 2, {.sparse = false}) == 0);
  CHECK(sparse_layers({15, 16, 8}, 3, 2, {}) == 0);
  CHECK(sparse_layers({16, 16, 8}, 1, 2, {}) == 0);  // sorting costs more than it saves
}
