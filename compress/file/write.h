#pragma once

#include <cstdint>
#include <vector>

#include "espalier/compress/file/network.h"

namespace espalier::compress::file {

/// The bytes of a `.esp` file (docs/file-format.md): what `runtime::load` takes.
/// \throws Error for a network that contradicts itself; the message names the operation
std::vector<uint8_t> encode(const Network& network);

/// The pixels of the self-test with this seed: the highest bytes of the states of a linear
/// congruential generator, state ← state·1664525 + 1013904223 mod 2^32.
std::vector<uint8_t> self_test_pixels(uint32_t seed, int64_t count);

/// The table of an activation on codes: for each code of the input the nearest code of the output
/// (halves to even) of f(scale·(code − zero_point)), computed in double.
std::vector<int8_t> activation_table(Function function, float slope, const Grid& input,
                                     const Grid& output);

}  // namespace espalier::compress::file
