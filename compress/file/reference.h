#pragma once

#include <cstdint>
#include <vector>

#include "espalier/compress/file/network.h"

namespace espalier::compress::file {

/// What a value holds: codes if it has a grid, else float32 numbers. The other is empty.
struct Contents {
  std::vector<int64_t> codes;
  std::vector<double> numbers;
};

/// What an exported network computes, written a second time from network.h: naive, in int64 and
/// double, sharing no line with the runtime or the generator of C code. `verify` and their tests
/// compare with it. It is slow, and meant to be read.
class Reference {
 public:
  /// Keeps no copy of the network.
  explicit Reference(const Network& network) : network_(network) {}

  /// The input, from bytes or from float32 numbers in place of pixel/255.
  Contents of_pixels(const std::vector<uint8_t>& pixels) const;
  Contents of_numbers(const std::vector<double>& numbers) const;
  /// All values, from the input's. \throws Error when a sum exceeds int32
  std::vector<Contents> all_values(Contents input) const;
  /// One operation's result, from whatever its inputs are in `values`.
  Contents result_of(const Operation& operation, const std::vector<Contents>& values) const;

 private:
  const Network& network_;
};

}  // namespace espalier::compress::file
