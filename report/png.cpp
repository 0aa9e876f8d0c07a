#include "espalier/report/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>

#include "espalier/autograd/core/error.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr Colour paper = {0xf6, 0xef, 0xd8}, earth = {0x26, 0x33, 0x2e}, stone = {0x93, 0x9d, 0x97};

/// The colours that occur in the picture, and where each value of a pixel is among them.
struct Used {
  std::vector<Colour> colours;
  std::array<uint8_t, 256> index = {};

  Used(const Picture& picture, const Palette& palette) {
    std::array<bool, 256> seen = {};
    for (const uint8_t value : picture.pixels) seen[value] = true;
    for (size_t value = 0; value < seen.size(); ++value) {
      if (!seen[value]) continue;
      index[value] = static_cast<uint8_t>(colours.size());
      colours.push_back(palette[value]);
    }
  }

  int bits() const {
    return colours.size() <= 2 ? 1 : colours.size() <= 4 ? 2 : colours.size() <= 16 ? 4 : 8;
  }
};

extern "C" void append(png_structp png, png_bytep data, size_t size) {
  auto& file = *static_cast<Bytes*>(png_get_io_ptr(png));
  file.insert(file.end(), data, data + size);
}

/// \param rows  pixels, a byte for each index of a colour
/// \param colours  null: `rows` are red, green, blue
Bytes written(const Picture& picture, const Bytes& rows, const Used* colours) {
  Bytes file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  // libpng comes back here when something goes wrong; nothing below has a destructor.
  if (!info || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    throw Error("png", "libpng cannot write a picture");
  }
  png_set_write_fn(png, &file, append, nullptr);
  png_set_compression_level(png, 9);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);  // indices have no differences
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), colours ? colours->bits() : 8,
               colours ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (colours) {
    png_color palette[256];
    for (size_t i = 0; i < colours->colours.size(); ++i) {
      const Colour& each = colours->colours[i];
      palette[i] = {each[0], each[1], each[2]};
    }
    png_set_PLTE(png, info, palette, static_cast<int>(colours->colours.size()));
  }
  png_write_info(png, info);
  png_set_packing(png);  // several pixels in a byte
  const size_t row = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.channels);
  for (size_t y = 0; y < static_cast<size_t>(picture.height); ++y)
    png_write_row(png, rows.data() + y * row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

void check(const Picture& picture) {
  if (picture.channels != 1 && picture.channels != 3) {
    throw Error("png",
                fmt::format("a picture has {} channels; 1 or 3 are possible", picture.channels));
  }
  const int64_t size = int64_t{picture.width} * picture.height * picture.channels;
  if (picture.width < 1 || picture.height < 1 ||
      size != static_cast<int64_t>(picture.pixels.size())) {
    throw Error(
        "png", fmt::format("a picture of {}×{} pixels with {} channels has {} values",
                           picture.width, picture.height, picture.channels, picture.pixels.size()));
  }
}

}  // namespace

Palette greys() {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) {
    const uint8_t level = static_cast<uint8_t>(i);
    palette[i] = {level, level, level};
  }
  return palette;
}

Palette mask_colours() {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) palette[i] = i < MaskPictures::gap ? earth : paper;
  palette[MaskPictures::gap] = stone;
  return palette;
}

Palette epoch_colours(int last) {
  // Lightness rises steadily from stop to stop.
  constexpr std::array<std::array<double, 3>, 5> stops = {{{0x2b, 0x1a, 0x5a},
                                                           {0x2f, 0x55, 0x8c},
                                                           {0x1f, 0x8f, 0x8a},
                                                           {0x6a, 0xbf, 0x5b},
                                                           {0xf2, 0xd9, 0x3c}}};
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) {
    const double along = last > 0 ? std::min(1.0, static_cast<double>(i) / last) : 0;
    const double place = along * static_cast<double>(stops.size() - 1);
    const size_t stop = std::min(static_cast<size_t>(place), stops.size() - 2);
    const double part = place - static_cast<double>(stop);
    for (size_t c = 0; c < 3; ++c) {
      palette[i][c] = static_cast<uint8_t>(
          std::lround((1 - part) * stops[stop][c] + part * stops[stop + 1][c]));
    }
  }
  palette[MaskPictures::no_weight] = stone;
  palette[MaskPictures::alive] = paper;
  return palette;
}

std::vector<uint8_t> to_png(const Picture& picture, const Palette& palette) {
  check(picture);
  if (picture.channels == 3) return written(picture, picture.pixels, nullptr);
  const Used used(picture, palette);
  Bytes indices;
  for (const uint8_t value : picture.pixels) indices.push_back(used.index[value]);
  return written(picture, indices, &used);
}

std::string png_address(const Picture& picture, const Palette& palette) {
  return "data:image/png;base64," + base64(to_png(picture, palette));
}

}  // namespace espalier::report
