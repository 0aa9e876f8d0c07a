#pragma once

#include <string>

#include "espalier/compress/file/network.h"

namespace espalier::compress {

struct CSourceOptions {
  /// Begins the names of what other files see: `lenet5` gives `lenet5_run` and
  /// `LENET5_ARENA_BYTES`. A C identifier that begins with a letter.
  std::string name = "network";
};

/// An integer network as one C99 file that computes it: no malloc, no mathematical library, no
/// include but <stdint.h>, nothing written outside of what the caller passes. It defines
///
///     void NAME_run(const uint8_t *pixels, int8_t *scores, void *arena);
///
/// and, as macros, NAME_ARENA_BYTES, NAME_HEIGHT, NAME_WIDTH, NAME_CHANNELS and NAME_INPUT_BYTES of
/// the picture, NAME_CLASSES, NAME_SCORE_SCALE and NAME_SCORE_ZERO_POINT of the scores, and where
/// classes have names NAME_CLASS_NAMES, an array's initialiser: `{"cat", "dog"}`.
/// Every integer is the runtime's: compress/runtime/fixed_point.h is repeated in C. How weights lie
/// in it is in docs/c-file.md. The text is equal for equal networks.
///
/// \throws Error  naming the layer, if any value or weight is float32, if the network contradicts
///                itself, or the name is no identifier
std::string c_source(const file::Network& network, const CSourceOptions& options);

/// A header for that file, for C and C++: the macros and the declaration. The file itself does not
/// need it.
std::string c_header(const file::Network& network, const CSourceOptions& options);

}  // namespace espalier::compress
