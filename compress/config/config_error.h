#pragma once

#include <string_view>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/position.h"

namespace espalier::compress {

/// The user's configuration is wrong: a file, a rule given in code, an option on the command line.
/// It is a usage error: the program prints the text and exits with code 2. The text reads
/// `[config] train.yaml:12:7: unknown key 'frequncy' in AGPruner rule 1; ...`.
class ConfigError : public Error {
 public:
  /// An error without a place in a file; `what` itself says which rule and key is meant.
  explicit ConfigError(std::string_view what);

  /// An error at `position`; if that is not known, the same as the constructor above.
  ConfigError(const Position& position, std::string_view what);
};

}  // namespace espalier::compress
