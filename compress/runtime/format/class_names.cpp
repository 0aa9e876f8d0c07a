#include "espalier/compress/runtime/format/class_names.h"

namespace espalier::runtime {

Status ClassNames::read(ByteReader in, int64_t classes, Budget& budget) {
  const size_t count = in.varint();
  const size_t most = in.left();  // a name's length takes at least the byte that its end does
  if (in.failed() || count > most || (count > 0 && static_cast<int64_t>(count) != classes))
    return {StatusCode::invalid, "the file does not have a name for each class"};
  if (!begins_.allocate(budget, count) || !text_.allocate(budget, most))
    return {StatusCode::too_large, "there is no memory for the names of classes"};
  size_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t size = in.varint();
    const ByteReader name = in.take(size);
    if (in.failed()) return {StatusCode::invalid, "the name of class %zu ends too early", i};
    if (std::memchr(name.position(), 0, size))
      return {StatusCode::invalid, "the name of class %zu has a 0 in it", i};
    begins_[i] = static_cast<uint32_t>(end);
    std::memcpy(text_.data() + end, name.position(), size);
    end += size + 1;
  }
  if (in.left() != 0)
    return {StatusCode::invalid, "there are %zu bytes behind the last name", in.left()};
  return {};
}

}  // namespace espalier::runtime
