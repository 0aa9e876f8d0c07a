#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/export/pixel_tables.h"
#include "espalier/compress/export/weight_packing.h"
#include "espalier/compress/file/network.h"

/// An integer network as the calls that a generated C file makes: which function computes each
/// operation, how its weights are packed, and where each value lies.
namespace espalier::compress::c_code {

/// One operation that is computed; those that only give a value another shape vanish.
struct Step {
  const file::Operation* operation = nullptr;  ///< none: the input's pixels become codes
  std::string kernel;                          ///< the C function; of Concat the first
  PackedWeights weights;                       ///< of convolutions and linear layers
  int64_t rows = 0;             ///< of the result whose sums are kept (convolve_by_weight)
  int64_t scratch_bytes = 0;    ///< working memory
  int64_t scratch_offset = -1;  ///< in the arena; −1: none
};

struct Place {
  enum class Where { pixels, scores, arena } where = Where::arena;
  int64_t offset = 0;  ///< in the arena
};

struct Program {
  std::vector<Step> steps;
  std::vector<Place> places;  ///< of each value
  int64_t arena_bytes = 0;
  PixelTables tables;
};

/// Pixels are read where they are, through a table, if convolutions and linear layers alone read
/// them. A flattening that linear layers alone read moves nothing: their columns are reordered.
/// Pooling without padding, additions, conversions and functions of elements write over their
/// input if nothing needs it afterwards.
/// \throws Error  as require_integers
Program c_program(const file::Network& network);

}  // namespace espalier::compress::c_code
