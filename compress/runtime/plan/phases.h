#pragma once

#include "espalier/compress/runtime/format/graph.h"

/// Strided convolutions of which only kept weights are visited need windows that lie beside each
/// other. With a stride s pixels are therefore sorted into s×s pictures, the phases, of every s-th
/// row and column; a tap then reads one phase with stride 1.
namespace espalier::runtime {

/// In which phase the pixel at `position` from a window's first lies, along one axis, and how far
/// there from the window's place.
struct Phase {
  int64_t phase, shift;
};
inline Phase phase_of(int64_t position, int32_t stride) {
  const int64_t shift =
      position >= 0 ? position / stride : -((stride - 1 - position) / stride);  // downwards
  return {position - shift * stride, shift};
}

/// Whether the convolution's input can be sorted, and that is worth it: a single tap reads one
/// phase only, and is let do so where another convolution needs the others.
bool can_be_sorted(const Graph& graph, const Operation& convolution);

/// A picture of all phases, whose channels follow each other.
struct SortedPicture {
  Value value;
  int32_t border;  ///< pixels around it that windows reach: of all convolutions with this stride
};
/// \param channels  of one phase, in whole blocks
SortedPicture sorted_picture(const Graph& graph, const Operation& convolution, int64_t channels);

}  // namespace espalier::runtime
