#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "espalier/compress/file/network.h"

namespace espalier::compress {

/// How the runtime's results of one operation compare with those of the naive evaluator.
struct OperationCheck {
  std::string operation;  ///< "convolution", …
  std::string layer;      ///< path of its layer; may be empty
  bool has_codes = false;
  int64_t compared = 0;   ///< values, in all pictures
  int64_t different = 0;  ///< codes that are not equal
  /// Of float32 results, in relation to the largest of its picture.
  double largest_difference = 0;

  /// Codes must be equal; sums of float32 may be rounded in another order.
  bool passed() const { return has_codes ? different == 0 : largest_difference <= 1e-4; }
};

/// Proves a network's arithmetic: every operation is computed twice, by the runtime and by the
/// naive evaluator (`file::Reference`, int64 and double, no line shared with the runtime), from the
/// same input, which is what the runtime itself has computed up to there. For that the runtime is
/// given the network up to each of its values in turn. \param pictures  `H×W×C` bytes each \param
/// progress  is told after each operation \throws Error when the runtime does not take the network
std::vector<OperationCheck> verify(const file::Network& network,
                                   const std::vector<std::vector<uint8_t>>& pictures,
                                   const std::function<void(const OperationCheck&)>& progress = {});

}  // namespace espalier::compress
