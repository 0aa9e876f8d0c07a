#pragma once

#include <functional>
#include <string>
#include <vector>

#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/option_info.h"
#include "espalier/compress/registry.h"

namespace espalier::compress {

/// All options of one thing that a configuration may name.
struct OptionList {
  std::vector<OptionInfo> options;  ///< in the order they are asked for
  /// Mostly empty: what went wrong where no option was given, so that further ones may be missing.
  std::string gap;
};

/// What `read` asks its reader for, found by watching it read: first no options at all, then, for
/// each choice or truth value, every other word, and for each key that is only looked for, a value
/// that it takes. Options that are asked for only then, or not any more, are annotated
/// (`OptionInfo::condition`). `read` is called many times and should have no effect.
OptionList describe_options(const std::function<void(MapReader&)>& read, const std::string& what);

/// The options of an algorithm's rules, beside those of `selector_options`. Needs no model.
OptionList describe_options(const Registry::Entry& algorithm);

/// The options that choose layers, which are the same in the rules of every algorithm.
std::vector<OptionInfo> selector_options();

/// "pruner", "quantizer" or, for what is neither, "algorithm".
std::string algorithm_kind(const Registry::Entry& algorithm);

/// A section of a configuration with rules that work: those that the algorithm was registered with
/// or, if there are none, one rule with its required options.
std::string example_section(const Registry::Entry& algorithm);

}  // namespace espalier::compress
