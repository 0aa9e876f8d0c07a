#pragma once

#include <map>
#include <string>
#include <string_view>

namespace espalier {

/// Kernels chosen by name instead of by estimated cost. A choice is for an operation, such as
/// `conv2d.forward` → `im2col`, or for one of its problems, which are told apart by their sizes,
/// such as `conv2d.forward 128x32x32x16 …` → `winograd/avx2`, and then counts before the other.
/// Empty unless someone asked for it.
class KernelPlan {
 public:
  /// From now on `operation`, or the problem of it that follows behind a space, runs on
  /// `candidate`; an operation it does not support is an error when it runs.
  void choose(std::string operation, std::string candidate);
  void clear() { choices_.clear(); }
  /// Everything chosen: operation → candidate.
  const std::map<std::string, std::string, std::less<>>& choices() const { return choices_; }

  /// The candidate chosen for `operation`, or an empty view.
  std::string_view choice(std::string_view operation) const;
  /// The candidate chosen for that problem alone, or an empty view.
  std::string_view choice(std::string_view operation, std::string_view problem) const;
  /// Whether something is chosen for single problems.
  bool knows_problems() const { return problems_; }

  /// While on, a problem that comes up for the first time is given to every kernel that supports
  /// it, a few times, and the fastest one is chosen for it. Results are what they are otherwise.
  void measure(bool on) { measures_ = on; }
  bool measures() const { return measures_; }

 private:
  std::map<std::string, std::string, std::less<>> choices_;
  bool problems_ = false, measures_ = false;
};

}  // namespace espalier
