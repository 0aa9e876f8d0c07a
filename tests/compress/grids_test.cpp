#include "espalier/compress/quantizers/grids.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "espalier/autograd/core/error.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

TEST_CASE("symmetric grids: codes by hand") {
  CHECK(largest_code(8) == 127);
  CHECK(largest_code(3) == 3);
  CHECK(largest_code(2) == 1);
  CHECK_THROWS_WITH(largest_code(1), Catch::Contains("2 to 16 bits, not 1"));
  CHECK_THROWS_WITH(largest_code(17), Catch::Contains("2 to 16 bits, not 17"));

  // 3 bits: codes −3 … 3. Largest magnitudes 3, 0.75 and 0, so the steps are 1, 0.25 and, for a
  // channel of zeros, 1. Halves go to the even code: −1.5 → −2, 2.5 → 2, 0.5 → 0;
  // 0.375 / 0.25 = 1.5 → 2, which is 0.5; −0.1 / 0.25 = −0.4 → 0.
  const Tensor weight = Tensor::from({3, 5}, {3, -1.5, 2.5, 0.5, -0.4f,         //
                                              -0.75, 0.375, -0.1f, 0.2f, 0.7f,  //
                                              0, 0, 0, 0, 0});
  const std::vector<QuantizationGrid> grids = weight_grids(weight, 3, true);
  REQUIRE(grids.size() == 3);
  CHECK(grids[0].scale == 1);
  CHECK(grids[1].scale == 0.25f);
  CHECK(grids[2].scale == 1);
  CHECK(grids[1].lowest == -3);
  CHECK(grids[1].highest == 3);
  CHECK(doubles(quantize_symmetric(weight, 3, true)) ==
        std::vector<double>{3, -2, 2, 0, 0, -0.75, 0.5, 0, 0.25, 0.75, 0, 0, 0, 0, 0});

  // One step for all: 1, and −0.75 → −1.
  CHECK(doubles(quantize_symmetric(weight, 3, false)) ==
        std::vector<double>{3, -2, 2, 0, 0, -1, 0, 0, 0, 1, 0, 0, 0, 0, 0});

  // 2 bits: the step is max|w|, codes −1, 0, 1. −1.5 / 3 = −0.5 → 0, 2.5 / 3 → 1.
  CHECK(doubles(quantize_symmetric(Tensor::from({1, 3}, {3, -1.5, 2.5}), 2, true)) ==
        std::vector<double>{3, 0, 3});
  // So small that the step is nothing: zeros, and no division by zero.
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK(doubles(quantize_symmetric(Tensor::from({1, 2}, {tiny, 0}), 8, true)) ==
        std::vector<double>{0, 0});
}

TEST_CASE("symmetric grids: at every width the error is half a step at most") {
  const Tensor weight = normal({7, 3, 3, 5}, 4);
  for (int bits = 2; bits <= 16; ++bits) {
    for (const bool per_channel : {true, false}) {
      const std::vector<QuantizationGrid> grids = weight_grids(weight, bits, per_channel);
      const Tensor quantized = quantize_symmetric(weight, bits, per_channel);
      for (int64_t row = 0; row < 7; ++row) {
        const double step = double{grids[per_channel ? static_cast<size_t>(row) : 0].scale};
        std::set<float> levels;
        for (int64_t i = row * 45; i < (row + 1) * 45; ++i) {
          CHECK(std::abs(double{quantized[i]} - double{weight[i]}) <= step * 0.50001);
          levels.insert(quantized[i]);
        }
        CHECK(levels.size() < size_t{1} << bits);
      }
      // Quantized once more with the same grids it stays as it is.
      CHECK(doubles(fake_quantize(quantized, grids)) == doubles(quantized));
    }
  }
}

TEST_CASE("affine grids: the zero point is nudged to a code") {
  // Range −1 … 2 on codes 0 … 255: scale 3/255 = 1/85, zero point 0 + 1·85 = 85 exactly.
  QuantizationGrid grid = affine_grid(-1, 2, 0, 255);
  CHECK(grid.scale == Approx(1.0 / 85));
  CHECK(grid.zero_point == 85);
  // Range −0.5 … 1 on codes 0 … 15: scale 0.1, zero point 5; the ends stay where they are.
  grid = affine_grid(-0.5f, 1, 0, 15);
  CHECK(grid.zero_point == 5);
  CHECK(grid.low() == Approx(-0.5));
  CHECK(grid.high() == Approx(1.0));
  // Range −0.26 … 1 on codes 0 … 7: scale 0.18, −low/scale = 1.444 → 1: the ends are nudged to
  // −0.18 and 1.08.
  grid = affine_grid(-0.26f, 1, 0, 7);
  CHECK(grid.scale == Approx(0.18));
  CHECK(grid.zero_point == 1);
  CHECK(grid.low() == Approx(-0.18));
  CHECK(grid.high() == Approx(1.08));
  // 0 is always among the values: 2 … 4 becomes 0 … 4, and −4 … −2 becomes −4 … 0.
  grid = affine_grid(2, 4, 0, 255);
  CHECK(grid.zero_point == 0);
  CHECK(grid.scale == Approx(4.0 / 255));
  grid = affine_grid(-4, -2, 0, 255);
  CHECK(grid.zero_point == 255);
  CHECK(grid.high() == 0);
  // Nothing but zeros.
  grid = affine_grid(0, 0, 0, 255);
  CHECK(grid.scale == 1);
  CHECK(grid.zero_point == 0);

  // Weights leave the lowest code out: 8 bits are 1 … 255.
  const Tensor weight = Tensor::from({1, 2}, {-1, 1.54f});
  const std::vector<QuantizationGrid> of_weight = weight_grids(weight, 8, false, false);
  CHECK(of_weight[0].lowest == 1);
  CHECK(of_weight[0].highest == 255);
  CHECK(of_weight[0].scale == Approx(0.01));  // 2.54 / 254
  CHECK(of_weight[0].zero_point == 101);      // 1 + 1/0.01
}
