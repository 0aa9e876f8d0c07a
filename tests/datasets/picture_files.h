#pragma once

#include <string>

#include "espalier/autograd/core/shape.h"
#include "support/files.h"

/// For tests: picture files, and folders of them.
namespace espalier::testing {

/// Bytes `H×W×C` as a PNG file.
void write_png(const std::string& path, const Shape& shape, const Bytes& pixels);

/// A picture `H×W×C` of one value.
Bytes plain_picture(const Shape& shape, uint8_t value);

/// Folders `a`, `b`, …, one for each class, with PNG files 0.png, 1.png, … of 12×10 pixels. Those
/// of class c are noise around a grey of their own: 50·c + 25.
void write_example_folder(const std::string& path, int classes, int pictures);

}  // namespace espalier::testing
