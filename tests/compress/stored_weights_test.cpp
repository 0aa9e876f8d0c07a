#include "espalier/compress/export/stored_weights.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/quantizers/steps.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

Tensor random_weight(const Shape& shape) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.1f);
  return Tensor::generate(shape, [&](int64_t) { return normal(random); });
}

/// What the stored form says the weight is.
std::vector<float> values_of(const file::Weights& stored) {
  if (!stored.values.empty()) return stored.values;
  std::vector<float> values;
  const size_t each = stored.codes.size() / static_cast<size_t>(stored.shape[0]);
  for (size_t i = 0; i < stored.codes.size(); ++i)
    values.push_back(stored.scale(static_cast<int64_t>(i / each)) * stored.codes[i]);
  for (uint8_t index : stored.indices) values.push_back(stored.codebook[index]);
  return values;
}

void require_near(const file::Weights& stored, const Tensor& weight) {
  const std::vector<float> values = values_of(stored);
  REQUIRE(values.size() == static_cast<size_t>(weight.size()));
  for (int64_t i = 0; i < weight.size(); ++i)
    CHECK(values[static_cast<size_t>(i)] == Approx(weight[i]).margin(1e-6));
}

}  // namespace

TEST_CASE("steps of a weight: worked by hand") {
  // The largest magnitude is 1; with it in 4 steps the others are 2, 1 and 0 of them.
  const auto all = find_steps(Tensor::from({2, 2}, {0.5f, -1.0f, 0.25f, 0.0f}));
  REQUIRE(all);
  CHECK(all->codes == std::vector<int16_t>{2, -4, 1, 0});
  CHECK(all->scales == std::vector<float>{0.25f});

  // 0.3 and 0.2 are 3 and 2 steps of 0.1, which the other channel's 1.0 and √2/2 know nothing of.
  const auto each = find_steps(Tensor::from({3, 2}, {0.3f, -0.2f, 0.7071f, 0.7071f, 0, 0}));
  REQUIRE(each);
  CHECK(each->codes == std::vector<int16_t>{3, -2, 1, 1, 0, 0});
  REQUIRE(each->scales.size() == 3);
  CHECK(each->scales[0] == Approx(0.1f));
  CHECK(each->scales[1] == 0.7071f);
  CHECK(each->scales[2] == 1);  // of a channel of zeros
}

TEST_CASE("steps of a weight: whoever quantized it, nobody else") {
  const Tensor weight = random_weight({8, 3, 3, 16});
  CHECK_FALSE(find_steps(weight));
  for (const int bits : {2, 3, 4, 6, 8}) {
    for (const bool per_channel : {false, true}) {
      INFO(bits << " bits, per channel " << per_channel);
      const Tensor quantized = quantize_symmetric(weight, bits, per_channel);
      const auto stepped = find_steps(quantized);
      REQUIRE(stepped);
      CHECK(stepped->scales.size() == (per_channel ? 8u : 1u));
      for (int64_t i = 0; i < quantized.size(); ++i) {
        const int16_t code = stepped->codes[static_cast<size_t>(i)];
        REQUIRE(std::abs(code) <= largest_code(bits));
        const float scale = stepped->scales[per_channel ? static_cast<size_t>(i / 144) : 0];
        REQUIRE(code * scale == Approx(quantized[i]).margin(1e-6));
      }
    }
  }
}

TEST_CASE("stored weights: values, codebook or codes, whichever is least") {
  const Tensor weight = random_weight({4, 50});
  CHECK(stored_weights(weight, {}).values.size() == 200);

  const Tensor shared = Tensor::generate({4, 50}, [&](int64_t i) {
    return std::vector<float>{0, 0.1234567f, -0.7f, 0.31831f}[i % 4];
  });
  const file::Weights codebook = stored_weights(shared, {});
  CHECK(codebook.codebook == std::vector<float>{-0.7f, 0, 0.1234567f, 0.31831f});
  require_near(codebook, shared);

  const Tensor quantized = quantize_symmetric(weight, 4, true);
  require_near(stored_weights(quantized, {}), quantized);
}

TEST_CASE(
    "stored weights: factors of a folded normalisation go to scales, also negative and zero") {
  const Tensor quantized = quantize_symmetric(random_weight({3, 40}), 8, true);
  const std::vector<double> factors{0.5, -2, 0};
  const file::Weights stored = stored_weights(quantized, factors);
  REQUIRE_FALSE(stored.codes.empty());
  for (const float scale : stored.scales) CHECK(scale > 0);
  require_near(stored, Tensor::generate({3, 40}, [&](int64_t i) {
                 return static_cast<float>(quantized[i] * factors[static_cast<size_t>(i / 40)]);
               }));
}
