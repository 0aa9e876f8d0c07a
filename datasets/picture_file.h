#pragma once

#include <cstdint>
#include <string>

#include "espalier/autograd/core/shape.h"

namespace espalier::datasets {

/// Whether a file's name says that `read_picture` may know its format: png, jpg, jpeg, bmp, gif,
/// tga, pgm, ppm, in small or capital letters.
bool has_picture_name(const std::string& path);

/// Height, width and channels of a picture file, by its first bytes: `H×W×C`, C from 1 (grey) to 4
/// (colours and transparency). \throws Error naming the file when it cannot be read or is no
/// picture
Shape picture_shape(const std::string& path);

/// Reads a picture file (the formats above, told by content) as bytes `H×W×C` of the given shape.
///
/// The whole picture is stretched to `H×W` with a triangle filter: bilinear interpolation where it
/// grows, and where it shrinks the filter widens with the scale, so that nothing aliases (what
/// Pillow and torchvision call antialiased bilinear). It works on the stored values, without
/// converting to linear light. One channel is the luminance, 0.30 R + 0.59 G + 0.11 B; transparency
/// is ignored; of an animation the first picture counts; 16-bit values keep their upper 8 bits.
/// \throws Error naming the file when it cannot be read, is truncated or no picture, or when the
///         shape is not `H×W×1` or `H×W×3`
void read_picture(const std::string& path, const Shape& shape, uint8_t* pixels);

}  // namespace espalier::datasets
