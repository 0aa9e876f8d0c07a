#pragma once

#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// What a MapReader was asked for under one key: what listings and documentation say of an option.
struct OptionInfo {
  /// `any` is a value that was looked at as it is, by `MapReader::find`.
  enum class Kind { any, boolean, integer, number, text, choice, integers, numbers, strings };

  std::string key;
  Kind kind = Kind::any;
  /// What the value may be, as messages say it: "a number in [0, 1)", "one of zero, freeze, train".
  std::string allowed = {};
  /// The bounds of a number or an integer, or of each in a list.
  std::optional<double> min = {}, above = {}, max = {}, below = {};
  std::vector<std::string> choices = {};  ///< of a choice, all words
  std::optional<Value> fallback = {};     ///< what holds when the key is left out
  bool required = false;                  ///< the key must not be left out
  std::string help = {};                  ///< a sentence or two
  /// For an option that depends on others: "with unit: step". `describe_options` finds that out.
  std::string condition = {};
};

/// A value that the option takes, its default if it has one: for examples. Null where only the
/// algorithm knows what it takes.
Value sample_value(const OptionInfo& option);

}  // namespace espalier::compress
