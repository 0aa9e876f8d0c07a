#pragma once

#include <string>
#include <string_view>

#include "espalier/compress/config/position.h"
#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// A name with options: `SGD: {lr: 0.05}`, or just `SGD`.
struct NamedMap {
  std::string name;
  /// Always a map; empty if no options were given. It knows where the options, or else the name,
  /// were written.
  Value options;
  /// Where the name stands, for a message about an unknown name.
  Position position;
};

/// A name with a value of any kind: `AGPruner: [rule, rule]`; null if only the name was given.
struct NamedValue {
  std::string name;
  Value value;
  Position position;
};

/// Reads `Name: {options}`, `Name:` or `Name`. `what` says what is named, for messages:
/// "optimizer". Throws ConfigError for several keys, no key, a value that is no name, options that
/// are no map.
NamedMap named_map(const Value& value, std::string_view what);

/// The same, but what belongs to the name may be anything, such as a list of rules.
NamedValue named_value(const Value& value, std::string_view what);

}  // namespace espalier::compress
