#include "espalier/report/png.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/picture_file.h"
#include "support/files.h"

using namespace espalier;
using report::Picture;
using report::to_png;
using testing::Bytes;

namespace {

/// What another decoder makes of the file.
Bytes read_back(const Bytes& png, int64_t height, int64_t width, int64_t channels) {
  const testing::TemporaryFolder folder;
  testing::write_plain(folder / "picture.png", png);
  Bytes pixels(static_cast<size_t>(height * width * channels));
  datasets::read_picture(folder / "picture.png", {height, width, channels}, pixels.data());
  return pixels;
}

int bits_per_pixel(const Bytes& png) {
  return png[24];  // signature 8, length and kind of the header 8, width 4, height 4
}

}  // namespace

TEST_CASE("png: pictures of one channel take as few bits as they have colours") {
  // Widths that leave the last byte of a row half empty, for every number of bits.
  const int width = 11, height = 5;
  for (const auto& [colours, bits] : {std::pair{2, 1}, {3, 2}, {4, 2}, {5, 4}, {16, 4}, {40, 8}}) {
    INFO(colours << " colours");
    Picture picture{.width = width, .height = height, .channels = 1, .pixels = {}};
    for (int i = 0; i < width * height; ++i)
      picture.pixels.push_back(static_cast<uint8_t>(6 * (i * 7 % colours)));
    const Bytes png = to_png(picture, report::greys());
    CHECK(bits_per_pixel(png) == bits);
    CHECK(read_back(png, height, width, 1) == picture.pixels);
  }
}

TEST_CASE("png: colours") {
  Picture picture{.width = 3, .height = 2, .channels = 3, .pixels = {}};
  for (int i = 0; i < 18; ++i) picture.pixels.push_back(static_cast<uint8_t>(13 * i));
  CHECK(read_back(to_png(picture, report::greys()), 2, 3, 3) == picture.pixels);

  const report::Palette masks = report::mask_colours();
  const Picture mask{.width = 3, .height = 1, .channels = 1, .pixels = {255, 0, 128}};
  const Bytes seen = read_back(to_png(mask, masks), 1, 3, 3);
  for (size_t c = 0; c < 3; ++c) {
    CHECK(seen[c] == masks[255][c]);
    CHECK(seen[3 + c] == masks[0][c]);
  }
  CHECK(masks[128][3] == 0);
}

TEST_CASE("png: the colours of epochs become lighter") {
  const report::Palette palette = report::epoch_colours(20);
  double before = -1;
  for (size_t epoch = 0; epoch <= 20; ++epoch) {
    const report::Colour& c = palette[epoch];
    const double lightness = 0.30 * c[0] + 0.59 * c[1] + 0.11 * c[2];
    CHECK(lightness > before);
    before = lightness;
  }
  CHECK(palette[21] == palette[20]);
  CHECK(palette[254][3] == 0);
}

TEST_CASE("png: what is no picture") {
  const report::Palette palette = report::greys();
  CHECK_THROWS_AS(to_png({.width = 2, .height = 2, .channels = 1, .pixels = {1, 2, 3}}, palette),
                  Error);
  CHECK_THROWS_AS(to_png({.width = 1, .height = 1, .channels = 2, .pixels = {1, 2}}, palette),
                  Error);
  CHECK_THROWS_AS(to_png({}, palette), Error);
}
