#pragma once

#include <map>
#include <string>
#include <string_view>

namespace espalier {

/// Kernels chosen by name instead of by estimated cost: operation → candidate, such as
/// `conv2d.forward` → `reference`. Empty unless someone asked for it.
class KernelPlan {
 public:
  /// From now on `operation` runs on `candidate`; an operation it does not support is an error
  /// when it runs.
  void choose(std::string operation, std::string candidate);
  void clear() { choices_.clear(); }
  /// Everything chosen: operation → candidate.
  const std::map<std::string, std::string, std::less<>>& choices() const { return choices_; }

  /// The candidate chosen for `operation`, or an empty view.
  std::string_view choice(std::string_view operation) const;

 private:
  std::map<std::string, std::string, std::less<>> choices_;
};

}  // namespace espalier
