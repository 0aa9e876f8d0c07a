#pragma once

#include <functional>
#include <string>
#include <vector>

namespace espalier::compress {

/// An algorithm at work on so few numbers that a reader can follow with pencil and paper:
/// `espalier explain NAME --with 0.1,-0.4`, and the example on its page in docs/algorithms.
///
/// The figures come from the algorithm's own code, attached to a small layer: an example that was
/// typed in could be wrong.
struct WorkedExample {
  std::vector<float> numbers;  ///< for readers who bring none; mostly ten weights
  /// What `numbers` are, for the error about wrong ones: "weights, at least two".
  std::string what;
  /// The steps and their results as lines of text. \throws Error for numbers it cannot work with
  std::function<std::string(const std::vector<float>& numbers)> work;
};

}  // namespace espalier::compress
