#include "espalier/report/png.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "espalier/autograd/core/error.h"
#include "espalier/report/text.h"

// The format: PNG (Portable Network Graphics) Specification, 2nd edition, W3C 2003, §5 and §11.
namespace espalier::report {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr Colour paper = {0xf6, 0xef, 0xd8, 255}, earth = {0x26, 0x33, 0x2e, 255},
                 nothing = {0, 0, 0, 0};

void append_number(Bytes& bytes, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<uint8_t>(number >> shift));
}

/// Length, kind, content, and the checksum of the latter two.
void append_chunk(Bytes& file, std::string_view kind, const Bytes& content) {
  append_number(file, static_cast<uint32_t>(content.size()));
  const size_t start = file.size();
  file.insert(file.end(), kind.begin(), kind.end());
  file.insert(file.end(), content.begin(), content.end());
  append_number(file, static_cast<uint32_t>(
                          crc32(0, file.data() + start, static_cast<uInt>(file.size() - start))));
}

Bytes compressed(const Bytes& content) {
  uLongf size = compressBound(static_cast<uLong>(content.size()));
  Bytes result(size);
  if (compress2(result.data(), &size, content.data(), static_cast<uLong>(content.size()),
                Z_BEST_COMPRESSION) != Z_OK) {
    throw Error("png", "zlib has no memory left to compress a picture");
  }
  result.resize(size);
  return result;
}

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

/// Rows of pixels, each behind a byte 0: its bytes are as they are, not differences.
Bytes indexed_rows(const Picture& picture, const Used& used) {
  const int bits = used.bits(), per_byte = 8 / bits;
  Bytes rows;
  for (int y = 0; y < picture.height; ++y) {
    rows.push_back(0);
    for (int x = 0; x < picture.width; x += per_byte) {
      int byte = 0;
      for (int i = 0; i < per_byte; ++i) {
        const size_t at = static_cast<size_t>(y) * static_cast<size_t>(picture.width) +
                          static_cast<size_t>(x + i);
        byte = byte << bits | (x + i < picture.width ? used.index[picture.pixels[at]] : 0);
      }
      rows.push_back(static_cast<uint8_t>(byte));
    }
  }
  return rows;
}

Bytes colour_rows(const Picture& picture) {
  const size_t width = static_cast<size_t>(picture.width) * 3;
  Bytes rows;
  for (size_t y = 0; y < static_cast<size_t>(picture.height); ++y) {
    rows.push_back(0);
    const auto row = picture.pixels.begin() + static_cast<std::ptrdiff_t>(y * width);
    rows.insert(rows.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
  return rows;
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
    palette[i] = {level, level, level, 255};
  }
  return palette;
}

Palette mask_colours() {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) palette[i] = i < MaskPictures::gap ? earth : paper;
  palette[MaskPictures::gap] = nothing;
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
    palette[i][3] = 255;
  }
  palette[MaskPictures::no_weight] = nothing;
  palette[MaskPictures::alive] = paper;
  return palette;
}

std::vector<uint8_t> to_png(const Picture& picture, const Palette& palette) {
  check(picture);
  constexpr uint8_t colour = 2, from_palette = 3;
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes header;
  append_number(header, static_cast<uint32_t>(picture.width));
  append_number(header, static_cast<uint32_t>(picture.height));
  if (picture.channels == 3) {
    header.insert(header.end(), {8, colour, 0, 0, 0});
    append_chunk(file, "IHDR", header);
    append_chunk(file, "IDAT", compressed(colour_rows(picture)));
  } else {
    const Used used(picture, palette);
    header.insert(header.end(), {static_cast<uint8_t>(used.bits()), from_palette, 0, 0, 0});
    append_chunk(file, "IHDR", header);
    Bytes colours, opacity;
    for (const Colour& each : used.colours) {
      colours.insert(colours.end(), each.begin(), each.begin() + 3);
      opacity.push_back(each[3]);
    }
    append_chunk(file, "PLTE", colours);
    if (std::any_of(opacity.begin(), opacity.end(), [](uint8_t o) { return o < 255; })) {
      append_chunk(file, "tRNS", opacity);
    }
    append_chunk(file, "IDAT", compressed(indexed_rows(picture, used)));
  }
  append_chunk(file, "IEND", {});
  return file;
}

std::string png_address(const Picture& picture, const Palette& palette) {
  return "data:image/png;base64," + base64(to_png(picture, palette));
}

}  // namespace espalier::report
