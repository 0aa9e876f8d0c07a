#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "espalier/compress/file/network.h"
#include "espalier/compress/file/reference.h"

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

/// All values of a network for one picture, by their numbers.
using PictureValues = std::vector<file::Contents>;

/// What the runtime computes for each of these values: it is given the network up to each of them
/// in turn. \param pictures  `H×W×C` bytes each \throws Error when the runtime does not take the
/// network
std::vector<PictureValues> runtime_values(const file::Network& network,
                                          const std::vector<std::vector<uint8_t>>& pictures);

/// Proves a network's arithmetic: every operation is computed a second time by the naive evaluator
/// (`file::Reference`, int64 and double, no line shared with the runtime), from what the runtime
/// itself has computed up to there. \param values  by picture \param progress  is told after each
/// operation
std::vector<OperationCheck> verify(const file::Network& network,
                                   const std::vector<PictureValues>& values,
                                   const std::function<void(const OperationCheck&)>& progress = {});

}  // namespace espalier::compress
