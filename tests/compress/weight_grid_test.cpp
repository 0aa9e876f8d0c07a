#include "espalier/compress/quantizers/weight_grid.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "espalier/autograd/core/error.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("symmetric grid: codes by hand") {
  CHECK(largest_code(8) == 127);
  CHECK(largest_code(3) == 3);
  CHECK(largest_code(2) == 1);

  // 3 bits: codes −3 … 3. Largest magnitudes 3, 0.75 and 0, so Δ = 1, 0.25 and, for a channel of
  // zeros, 1. Halves go to the even code: −1.5 → −2, 2.5 → 2, 0.5 → 0;
  // 0.375 / 0.25 = 1.5 → 2, which is 0.5; −0.1 / 0.25 = −0.4 → 0.
  const Tensor weight = Tensor::from({3, 5}, {3, -1.5, 2.5, 0.5, -0.4f,         //
                                              -0.75, 0.375, -0.1f, 0.2f, 0.7f,  //
                                              0, 0, 0, 0, 0});
  CHECK(symmetric_scales(weight, 3, true) == std::vector<float>{1, 0.25, 1});
  CHECK(doubles(quantize_symmetric(weight, 3, true)) ==
        std::vector<double>{3, -2, 2, 0, 0, -0.75, 0.5, 0, 0.25, 0.75, 0, 0, 0, 0, 0});

  // One step for all: Δ = 1, and −0.75 → −1.
  CHECK(symmetric_scales(weight, 3, false) == std::vector<float>{1});
  CHECK(doubles(quantize_symmetric(weight, 3, false)) ==
        std::vector<double>{3, -2, 2, 0, 0, -1, 0, 0, 0, 1, 0, 0, 0, 0, 0});

  // 2 bits: Δ = max|w|, codes −1, 0, 1. −1.5 / 3 = −0.5 → 0, 2.5 / 3 → 1.
  CHECK(doubles(quantize_symmetric(Tensor::from({1, 3}, {3, -1.5, 2.5}), 2, true)) ==
        std::vector<double>{3, 0, 3});
}

TEST_CASE("symmetric grid: given steps, and what lies outside") {
  const Tensor weight = Tensor::from({2, 2}, {1.1f, -9, 1.1f, -9});
  CHECK(doubles(quantize_symmetric(weight, 3, std::vector<float>{0.5, 2})) ==
        std::vector<double>{1, -1.5, 2, -6});
  CHECK_THROWS_WITH(quantize_symmetric(weight, 3, std::vector<float>{1, 1, 1}),
                    Catch::Contains("3 steps for a weight of shape 2×2"));
  CHECK_THROWS_WITH(quantize_symmetric(weight, 1, true), Catch::Contains("2 to 16 bits, not 1"));
  CHECK_THROWS_WITH(symmetric_scales(weight, 17, true), Catch::Contains("2 to 16 bits, not 17"));
}

TEST_CASE("symmetric grid: at every width the error is half a step at most") {
  const Tensor weight = normal({7, 3, 3, 5}, 4);
  for (int bits = 2; bits <= 16; ++bits) {
    for (const bool per_channel : {true, false}) {
      const std::vector<float> scales = symmetric_scales(weight, bits, per_channel);
      const Tensor quantized = quantize_symmetric(weight, bits, per_channel);
      for (int64_t row = 0; row < 7; ++row) {
        const double step = double{scales[per_channel ? static_cast<size_t>(row) : 0]};
        std::set<float> levels;
        for (int64_t i = row * 45; i < (row + 1) * 45; ++i) {
          CHECK(std::abs(double{quantized[i]} - double{weight[i]}) <= step * 0.50001);
          levels.insert(quantized[i]);
        }
        CHECK(levels.size() < size_t{1} << bits);
      }
      // The largest weight of all is on the grid: its code is the last one.
      CHECK(doubles(quantize_symmetric(quantized, bits, scales)) == doubles(quantized));
    }
  }
}

TEST_CASE("symmetric grid: threads, other shapes and numbers that are none") {
  // 40 channels of 3 · 3 · 1000 values are work for several threads.
  const Tensor large = normal({40, 3, 3, 1000}, 9);
  const Tensor quantized = quantize_symmetric(large, 4, true);
  for (int64_t row : {0, 17, 39}) {
    const Tensor alone = Tensor::from({1, 9000}, large.values().subspan(size_t(row) * 9000, 9000));
    const Tensor expected = quantize_symmetric(alone, 4, false);
    CHECK(std::equal(expected.values().begin(), expected.values().end(),
                     quantized.values().begin() + row * 9000));
  }
  CHECK(quantize_symmetric(Tensor::zeros({0, 4}), 8, true).size() == 0);
  CHECK(doubles(quantize_symmetric(Tensor::from({2}, {-3, 5}), 4, true)) ==
        std::vector<double>{-3, 5});
  CHECK(quantize_symmetric(Tensor::scalar(2), 4, true).item() == 2);

  // A channel that has gone wrong is not made to look sound.
  const Tensor broken = Tensor::from({3, 2}, {not_a_number, 1, 1, 0.5f, infinity, 1});
  const Tensor shown = quantize_symmetric(broken, 8, true);
  CHECK(std::isnan(shown[0]));
  CHECK(std::isnan(shown[1]));
  CHECK(shown[2] == 1);
  CHECK(std::isnan(shown[4]));
  // So small that Δ is nothing: zeros, and no division by zero.
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK(doubles(quantize_symmetric(Tensor::from({1, 2}, {tiny, 0}), 8, true)) ==
        std::vector<double>{0, 0});
}
