#include "espalier/compress/export/round_biases.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/compress/export/export_model.h"
#include "espalier/compress/file/write.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

/// y = W₂·relu(W₁·x + b₁) with three pixels, two hidden values and one result.
file::Network two_layers(const std::vector<float>& bias, const std::vector<float>& second) {
  file::Linear first, last;
  first.weights.shape = {2, 3};
  first.weights.values = {0.5f, -0.25f, 0.125f, 0.3f, 0.2f, -0.1f};
  first.bias.values = bias;
  first.clamp = file::Clamp::relu;
  last.weights.shape = {1, 2};
  last.weights.values = second;
  file::Network network;
  network.values = {{{3}}, {{2}}, {{1}}};
  network.operations = {{"fc1", {0}, 1, first}, {"fc2", {1}, 2, last}};
  return network;
}

const file::Bias& bias_of(const file::Network& network) {
  return std::get<file::Linear>(network.operations[0].what).bias;
}

}  // namespace

TEST_CASE("round biases: 16 bits of the largest, worked out by hand") {
  file::Network network = two_layers({3.2767f, -1.00004f}, {1, 1});
  round_biases(network);
  CHECK(bias_of(network).values.empty());
  CHECK(bias_of(network).scale == Approx(1e-4));
  CHECK(bias_of(network).codes == std::vector<int32_t>{32767, -10000});
  // A second time there is nothing left to do.
  const file::Network once = network;
  round_biases(network);
  CHECK(bias_of(network).codes == bias_of(once).codes);
}

TEST_CASE("round biases: where a small one matters they stay as they are") {
  file::Network network = two_layers({1000.0f, 1.0101e-3f}, {0, 1e6f});
  round_biases(network);
  CHECK(bias_of(network).codes.empty());
  CHECK(bias_of(network).values[1] == 1.0101e-3f);
  for (const std::vector<float>& none : {std::vector<float>{0, 0}, {1e-39f, 0}}) {
    network = two_layers(none, {1, 1});
    round_biases(network);
    CHECK(bias_of(network).values == none);
  }
}

TEST_CASE("round biases: the file of a float network is smaller for it") {
  std::vector<float> bias(100);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = std::sin(static_cast<float>(i) + 1);
  file::Linear layer;
  layer.weights.shape = {100, 1};
  layer.weights.values.assign(100, 0.5f);
  layer.bias.values = bias;
  file::Network network;
  network.values = {{{1}}, {{100}}};
  network.operations = {{"fc", {0}, 1, layer}};
  const size_t plain = file::encode(network).size();
  file::Network rounded = network;
  round_biases(rounded);
  // 32 bits each become 16 and what their widths cost.
  const size_t smaller = file::encode(rounded).size();
  INFO(plain << " and " << smaller);
  CHECK(smaller + 100 < plain);
  // That is what is exported, with the answer to its self-test.
  CHECK(exported_bytes(network).size() == smaller + 4 + 4 * 100);
}
