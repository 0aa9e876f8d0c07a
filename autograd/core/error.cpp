#include "espalier/autograd/core/error.h"

namespace espalier {

Error::Error(std::string_view where, std::string_view what) : std::runtime_error("") {
  message_.append("[").append(where).append("] ").append(what);
}

Error Error::and_also(std::string_view more) const {
  Error longer = *this;
  longer.message_.append("; ").append(more);
  return longer;
}

Error Error::at(std::string_view layer_path) const {
  Error located = *this;
  if (!has_path_ && !layer_path.empty()) {
    located.message_ += " (at " + std::string(layer_path) + ")";
    located.has_path_ = true;
  }
  return located;
}

}  // namespace espalier
