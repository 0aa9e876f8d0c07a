#pragma once

#include <string>

#include "espalier/compress/file/network.h"
#include "espalier/compress/runtime/fixed_point.h"

/// What the generator of C code asks about an exported network whose values are codes.
namespace espalier::compress::c_code {

/// A value as a picture: a vector is one pixel.
struct Extents {
  int64_t height = 1, width = 1, channels = 1;
  int64_t size() const { return height * width * channels; }
};
Extents extents(const file::Value& value);

/// What a result can be, after the clamp: max(lowest, zero point) … min(highest, zero point +
/// 6/scale rounded half to even).
file::Grid clamped(const file::Grid& grid, file::Clamp clamp);

/// scale_w·scale_x/scale_y for one output, `from`/`to` for a conversion, and scale_x/(scale_y·n)
/// for means of n. \throws Error  naming the layer, if the ratio cannot be expressed
runtime::Multiplier sum_multiplier(const file::Operation& operation, float weight_scale,
                                   const file::Grid& x, const file::Grid& y);
runtime::Multiplier conversion_multiplier(const file::Operation& operation, const file::Grid& x,
                                          const file::Grid& y);
runtime::Multiplier mean_multiplier(const file::Operation& operation, const file::Grid& x,
                                    const file::Grid& y, int64_t n);
runtime::MultiplierPair addition_multipliers(const file::Operation& operation, const file::Grid& a,
                                             const file::Grid& b, const file::Grid& y);

/// The path of the operation's layer, or its place in the network where it has none.
std::string name_of(const file::Network& network, const file::Operation& operation);

/// \throws Error  naming the layer, unless every value has codes, all weights are integers, shapes
///                and sizes agree and no int32 sum can overflow
void require_integers(const file::Network& network);

}  // namespace espalier::compress::c_code
