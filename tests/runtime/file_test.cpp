#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/runtime/format/file.h"
#include "runtime/builder.h"

using namespace build;
namespace runtime = espalier::runtime;

namespace {

file::Network lenet5(const Options& options) {
  Builder b({28, 28, 1}, options);
  add_lenet5_convolutions(b);
  b.linear(500, file::Clamp::relu);
  b.linear(10);
  return b.network;
}

/// What the reader makes of the weights must be what was written, to the bit.
void check_weights(const file::Network& network) {
  const auto bytes = file::encode(network);
  runtime::FileParts parts;
  REQUIRE(runtime::open_file(bytes.data(), bytes.size(), parts).ok());
  runtime::Budget budget(size_t{1} << 30);
  runtime::Graph graph;
  REQUIRE(runtime::read_graph(parts.header, budget, graph).ok());
  REQUIRE(graph.operations.size() == network.operations.size());
  auto reader = std::make_unique<runtime::WeightReader>(parts.stream, graph, budget);
  REQUIRE(reader->begin().ok());
  for (size_t i = 0; i < graph.operations.size(); ++i) {
    if (!graph.operations[i].has_weight()) continue;
    runtime::WeightData data;
    REQUIRE(reader->read(graph.operations[i], data).ok());
    const auto& what = network.operations[i].what;
    const auto* convolution = std::get_if<file::Convolution>(&what);
    const auto* linear = std::get_if<file::Linear>(&what);
    const file::Weights& weights = convolution ? convolution->weights : linear->weights;
    const file::Bias& bias = convolution ? convolution->bias : linear->bias;
    const auto equal = [](const auto& stored, const auto& given) {
      return stored.size() == given.size() &&
             std::equal(given.begin(), given.end(), stored.begin());
    };
    REQUIRE(equal(data.codes, weights.codes));
    if (weights.indices.empty()) {
      REQUIRE(equal(data.values, weights.values));
    } else {
      std::vector<float> values;
      for (const uint8_t index : weights.indices) values.push_back(weights.codebook[index]);
      REQUIRE(equal(data.values, values));
    }
    REQUIRE(equal(data.scales, weights.scales));
    REQUIRE(equal(data.bias_values, bias.values));
    REQUIRE(equal(data.bias_codes, bias.codes));
    if (bias.scale > 0) REQUIRE(data.bias_scale == bias.scale);
  }
  REQUIRE(reader->end().ok());
}

std::string error_of(const file::Network& network) {
  try {
    file::encode(network);
  } catch (const espalier::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("file: weights of every form come back to the bit") {
  for (const bool codes : {false, true}) {
    for (const Form form : {Form::values, Form::codes, Form::channel_codes, Form::codebook}) {
      if (codes && (form == Form::values || form == Form::codebook)) continue;
      for (const int bits : {2, 3, 4, 8, 9}) {
        for (const double density : {0.0, 0.03, 0.5, 1.0}) {
          INFO("codes " << codes << ", form " << int(form) << ", bits " << bits << ", density "
                        << density);
          check_weights(lenet5({.codes = codes, .form = form, .bits = bits, .density = density}));
        }
        if (form == Form::values || form == Form::codebook) break;
      }
    }
  }
}

TEST_CASE("file: biases that are rounded cost little, extreme ones come back") {
  Builder b({1, 1, 4}, {.codes = true});
  b.flatten();
  b.linear(4);
  auto& bias = std::get<file::Linear>(b.network.operations.back().what).bias.codes;
  bias = {1 << 20, -(1 << 21), 0, 3 << 20};
  const size_t rounded = file::encode(b.network).size();
  check_weights(b.network);
  bias = {1234567, -2234567, 1, 3234567};
  REQUIRE(file::encode(b.network).size() >= rounded + 6);
  bias = {2000000000, -2000000000, 1, -1};
  check_weights(b.network);
}

TEST_CASE("file: what LeNet-5 costs beside its weights, and with few of them") {
  const auto bytes = file::encode(lenet5({.codes = true, .bits = 4, .density = 0.01}));
  runtime::FileParts parts;
  REQUIRE(runtime::open_file(bytes.data(), bytes.size(), parts).ok());
  REQUIRE(parts.header.left() <= 150);
  // 4,300 random places of 430,500 need 4,330 bytes, their signs and sizes less than 2,150.
  REQUIRE(bytes.size() < 7800);
  // Where the same columns are zero in all rows, places are cheaper than at random.
  auto network = lenet5({.codes = true, .bits = 4, .density = 0.01});
  auto& codes = std::get<file::Linear>(network.operations[5].what).weights.codes;
  std::fill(codes.begin(), codes.end(), int16_t{0});
  for (size_t i = 0; i < 4000; ++i)
    codes[i / 8 * 800 + i % 8 * 97] = static_cast<int16_t>(1 + i % 3);
  REQUIRE(file::encode(network).size() < 3500);
}

TEST_CASE("file: a changed byte, a missing byte, another version and another file are told apart") {
  auto bytes = file::encode(lenet5({.density = 0.02}));
  runtime::FileParts parts;
  REQUIRE(bytes[4] == 1);
  const auto code = [&](const std::vector<uint8_t>& data) {
    return runtime::open_file(data.data(), data.size(), parts).code();
  };
  REQUIRE(code(bytes) == runtime::StatusCode::ok);
  auto changed = bytes;
  changed[bytes.size() / 2] ^= 1;
  REQUIRE(code(changed) == runtime::StatusCode::damaged);
  changed = bytes;
  changed.pop_back();
  REQUIRE(code(changed) == runtime::StatusCode::damaged);
  changed = bytes;
  changed[4] = 3;
  REQUIRE(code(changed) == runtime::StatusCode::unsupported_version);
  changed[0] = 'X';
  REQUIRE(code(changed) == runtime::StatusCode::not_a_network);
}

TEST_CASE("file: networks that contradict themselves are refused, with the layer's name") {
  using Catch::Contains;
  auto network = lenet5({});
  network.values[1].shape = {24, 24, 21};
  REQUIRE_THAT(error_of(network), Contains("another shape") && Contains("conv1"));
  network = lenet5({});
  std::get<file::Linear>(network.operations[5].what).weights.values.pop_back();
  REQUIRE_THAT(error_of(network), Contains("weights, not") && Contains("fc3"));
  network = lenet5({});
  std::get<file::Linear>(network.operations[5].what).weights.values[7] = NAN;
  REQUIRE_THAT(error_of(network), Contains("not finite") && Contains("fc3"));
  network = lenet5({.codes = true});
  std::get<file::Convolution>(network.operations[0].what).weights.codes[3] = 300;
  REQUIRE_THAT(error_of(network), Contains("code 300") && Contains("conv1"));
  network = lenet5({.codes = true});
  std::get<file::Convolution>(network.operations[2].what).bias.codes[0] = INT32_MAX;
  REQUIRE_THAT(error_of(network), Contains("32 bits"));
  network = lenet5({.codes = true});
  network.values[2].grid->scale *= 2;
  REQUIRE_THAT(error_of(network), Contains("keeps the grid"));
  network = lenet5({});
  network.operations[3].inputs = {6};
  REQUIRE_THAT(error_of(network), Contains("no operation before it makes"));
  network = lenet5({.codes = true});
  network.values[3].grid->zero_point = 200;
  REQUIRE_THAT(error_of(network), Contains("from -128 to 127"));
}
