#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace espalier::compress::file {

/// What one layer's numbers take in a file, in bytes and parts of bytes: −log₂ p bits for each bit
/// that was coded with probability p.
struct LayerBytes {
  std::string layer;  ///< its path
  std::string form;   ///< "float32", "4 bits", "codebook of 32"
  std::vector<int64_t> shape;
  int64_t weights = 0, kept = 0;  ///< in all, and those that are not 0
  double positions = 0;           ///< which weights are kept
  double values = 0;              ///< of those that are
  double rest = 0;                ///< scales, codebook, bias

  double all() const { return positions + values + rest; }
};

/// What a `.esp` file consists of.
struct FileBytes {
  int64_t file = 0;         ///< all of it
  int64_t header = 0;       ///< operations, shapes, grids
  int64_t self_test = 0;    ///< its answer
  int64_t class_names = 0;  ///< what the classes are called
  std::vector<LayerBytes> layers;
};

/// Takes a file apart. \throws Error for what `runtime::load` does not take
FileBytes inspect(const std::vector<uint8_t>& bytes);

}  // namespace espalier::compress::file
