#pragma once

#include <cstdarg>
#include <cstdio>

namespace espalier::runtime {

enum class StatusCode {
  ok,
  not_a_network,        ///< the data does not begin like a file of ours
  unsupported_version,  ///< a format version or an operation that this library does not know
  damaged,              ///< the checksum is wrong, or the data ends too early
  invalid,              ///< the data contradicts itself: nothing that `encode` writes
  too_large,      ///< more memory than the options allow, or more weights than the file's size
  out_of_memory,  ///< the system gave no memory
  wrong_call,     ///< an argument of the call is wrong
};

/// Whether something worked, and if not, why, in one sentence.
class [[nodiscard]] Status {
 public:
  Status() = default;
  /// `format` and what follows as for printf; cut to 190 characters.
  __attribute__((format(printf, 3, 4))) Status(StatusCode code, const char* format, ...)
      : code_(code) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message_, sizeof message_, format, arguments);
    va_end(arguments);
  }

  bool ok() const { return code_ == StatusCode::ok; }
  StatusCode code() const { return code_; }
  /// Empty if all is well.
  const char* message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::ok;
  char message_[191] = "";
};

}  // namespace espalier::runtime
