#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// Weights as they lie in a generated C file, where they are used without being unpacked as a
/// whole. docs/c-file.md describes the layout.
namespace espalier::compress::c_code {

/// A matrix of integers, row by row (a row is one output), as a stream of bits. The lowest bit of
/// each byte comes first; a byte of 0 ends it, so that any field can be read from two bytes.
///
/// A weight is lowest + step·code with a code of `code_bits` bits.
///
/// - `gap_bits` 0: every weight has a code.
/// - otherwise only the weights that are not 0 have one, and before each stands how many zeros
///   precede it, counted on from row to row: fields of `gap_bits` bits of which the largest number
///   means that as many zeros are followed by a further field. The stream ends with the zeros
///   behind the last weight.
/// - `bytes`: the weights themselves, one in a byte with sign (no ending 0).
struct PackedWeights {
  std::vector<uint8_t> data;
  int gap_bits = 0;
  int code_bits = 0;
  int lowest = 0;
  int step = 0;
  bool bytes = false;
  int64_t stored = 0;      ///< weights with a code
  int64_t in_one_row = 0;  ///< at most
  bool fits_int8 = false;  ///< all weights are −128 … 127

  bool sparse() const { return gap_bits != 0; }
};

/// The smallest of these forms; of equal ones the one that is read fastest: bytes, then all
/// weights. \param codes  from −255 to 255 \param row    weights of one output, a divisor of their
/// number \param bytes  the form `bytes` may be taken
PackedWeights pack_weights(std::span<const int16_t> codes, int64_t row, bool bytes = true);

/// The matrix again; for tests of the layout.
std::vector<int16_t> unpack_weights(const PackedWeights& packed, int64_t rows, int64_t row);

}  // namespace espalier::compress::c_code
