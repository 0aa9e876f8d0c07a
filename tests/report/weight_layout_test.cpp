#include "espalier/report/weight_layout.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/report/mask_pictures.h"

using namespace espalier;
using report::MaskPictures;
using report::Picture;
using report::WeightLayout;

namespace {

/// Every weight shows its own place.
Picture places(const Shape& shape) {
  return WeightLayout(shape).paint([](int64_t weight) { return static_cast<uint8_t>(weight); }, 99);
}

constexpr uint8_t there = MaskPictures::kept, gone = MaskPictures::masked,
                  between = MaskPictures::gap;

}  // namespace

TEST_CASE("weight layout: linear layers are rows of outputs and columns of inputs") {
  const Picture picture = places({2, 3});
  CHECK(picture.width == 3);
  CHECK(picture.height == 2);
  CHECK(picture.channels == 1);
  CHECK(picture.pixels == std::vector<uint8_t>{0, 1, 2, 3, 4, 5});
  CHECK(WeightLayout({2, 3}).legend() == "a pixel for each input (column) and output (row)");
  // More than four times as many outputs as inputs: turned.
  const Picture turned = places({9, 2});
  CHECK(turned.width == 9);
  CHECK(turned.height == 2);
  CHECK(turned.pixels == std::vector<uint8_t>{0, 2, 4, 6, 8, 10, 12, 14, 16,  //
                                              1, 3, 5, 7, 9, 11, 13, 15, 17});
  CHECK(WeightLayout({9, 2}).legend() == "a pixel for each output (column) and input (row)");
}

TEST_CASE("weight layout: kernels are tiles, a pixel apart") {
  // O×kH×kW×I = 2×1×2×2: weight ((o·1 + y)·2 + x)·2 + i.
  const Picture picture = places({2, 1, 2, 2});
  CHECK(picture.width == 5);
  CHECK(picture.height == 3);
  CHECK(picture.pixels == std::vector<uint8_t>{0, 2, 99, 1, 3,      //
                                               99, 99, 99, 99, 99,  //
                                               4, 6, 99, 5, 7});
  CHECK(WeightLayout({2, 1, 2, 2}).legend() ==
        "a tile of 1×2 for each input (column) and output (row)");
  // Kernels of one weight need no gaps.
  CHECK(places({2, 1, 1, 2}).pixels == std::vector<uint8_t>{0, 1, 2, 3});
}

TEST_CASE("weight layout: tiles of one input are wrapped") {
  // Three kernels of 2×1: two in a row, the place of a fourth stays empty.
  const Picture picture = places({3, 2, 1, 1});
  CHECK(picture.width == 3);
  CHECK(picture.height == 5);
  CHECK(picture.pixels == std::vector<uint8_t>{0, 99, 2,    //
                                               1, 99, 3,    //
                                               99, 99, 99,  //
                                               4, 99, 99,   //
                                               5, 99, 99});
  CHECK(WeightLayout({3, 2, 1, 1}).legend() == "a tile of 2×1 for each output, 2 in a row");
}

TEST_CASE("weight layout: of large layers a part is shown, and said so") {
  const WeightLayout linear({2000, 1500});
  CHECK(linear.width() == 1024);
  CHECK(linear.height() == 1024);
  CHECK(linear.legend() ==
        "a pixel for each input (column) and output (row); shown are the first 1024 of 1500 inputs "
        "and the first 1024 of 2000 outputs");
  const WeightLayout conv({512, 3, 3, 512});  // 256 tiles of 3 and 255 gaps are 1023 pixels
  CHECK(conv.width() == 1023);
  CHECK(conv.height() == 1023);
  CHECK_THROWS_AS(WeightLayout({3}), Error);
}

TEST_CASE("mask pictures: what is there, and since when what is not") {
  const Mask mask = Mask::from(Tensor::from({2, 2}, {1, 0, 0, 1}));
  const MaskPictures plain = report::mask_pictures(mask);
  CHECK(plain.mask.pixels == std::vector<uint8_t>{there, gone, gone, there});
  CHECK_FALSE(plain.died);
  CHECK(plain.legend == "a pixel for each input (column) and output (row)");

  experiment::WeightHistory history;
  history.layer = "conv";
  history.shape = {2, 1, 2, 1};
  history.died = {0, 1, 3, 900};
  history.came_back = 7;
  const MaskPictures told = report::mask_pictures(history);
  CHECK(told.mask.width == 5);
  CHECK(told.mask.pixels == std::vector<uint8_t>{there, gone, between, gone, gone});
  REQUIRE(told.died);
  CHECK(told.died->pixels == std::vector<uint8_t>{MaskPictures::alive, 0, MaskPictures::no_weight,
                                                  2, MaskPictures::latest_death});
  CHECK(told.came_back == 7);
}
