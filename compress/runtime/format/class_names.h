#pragma once

#include "espalier/compress/runtime/format/byte_reader.h"
#include "espalier/compress/runtime/memory.h"
#include "espalier/compress/runtime/status.h"

namespace espalier::runtime {

/// What the classes of a network are called, as its file says.
class ClassNames {
 public:
  /// Of a file's last part, which says how many names follow: none, or one for each class.
  Status read(ByteReader in, int64_t classes, Budget& budget);

  /// Null where the file does not say, or there is no such class.
  const char* name(int64_t index) const {
    const bool known = index >= 0 && static_cast<uint64_t>(index) < begins_.size();
    return known ? text_.data() + begins_[static_cast<size_t>(index)] : nullptr;
  }

 private:
  Array<char> text_;       // each ends with a 0
  Array<uint32_t> begins_;  // by class
};

}  // namespace espalier::runtime
