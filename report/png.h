#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "espalier/report/report_data.h"

namespace espalier::report {

/// Red, green, blue, and how opaque.
using Colour = std::array<uint8_t, 4>;

/// A colour for every value that a pixel of one channel may have.
using Palette = std::array<Colour, 256>;

/// Black to white.
Palette greys();
/// Of MaskPictures::mask: weights that are there light, those that are masked dark, gaps
/// transparent.
Palette mask_colours();
/// Of MaskPictures::died, with the epochs 0 to `last` in which weights were masked: dark blue over
/// green to yellow, in steps of even lightness, which readers with any colour vision can order.
/// Weights that are still there are light, gaps transparent.
Palette epoch_colours(int last);

/// A picture as a PNG file. A picture of one channel takes its colours from the palette, at 1, 2, 4
/// or 8 bits a pixel, as few as there are colours in it; one of three channels is red, green, blue
/// and has no use for it. \throws Error for other channels, and for pixels that do not fill the
/// rows
std::vector<uint8_t> to_png(const Picture& picture, const Palette& palette);

/// The same as an address that a page can hold: `data:image/png;base64,…`.
std::string png_address(const Picture& picture, const Palette& palette);

}  // namespace espalier::report
