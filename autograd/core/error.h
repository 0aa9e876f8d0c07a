#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace espalier {

/// The one error type of the library. The text reads `[conv2d] what is wrong`; once it has passed
/// through a layer it ends with `(at block2.conv1)`.
class Error : public std::runtime_error {
 public:
  /// \param where the operation, class or file format that complains, without brackets
  /// \param what  one sentence: what is wrong, with the values, and what to do about it
  Error(std::string_view where, std::string_view what);

  const char* what() const noexcept override { return message_.c_str(); }

  /// The same error with a further half sentence: `[conv2d] what is wrong; more`.
  Error and_also(std::string_view more) const;
  /// The same error with the path of the layer it happened in. The innermost path wins: a path that
  /// is already there stays.
  Error at(std::string_view layer_path) const;

 private:
  std::string message_;
  bool has_path_ = false;
};

}  // namespace espalier
