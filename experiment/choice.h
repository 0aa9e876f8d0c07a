#pragma once

#include <string>
#include <vector>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/named_map.h"
#include "espalier/compress/config/nearest.h"

namespace espalier::experiment {

/// One of several kinds of a thing, chosen by name, with its options: `SGD: {lr: 0.05}`.
template <class Thing>
struct Choice {
  std::string name;
  compress::Value options;  ///< every option spelled out, in the order of the documentation
  Thing thing;              ///< what was chosen, ready for use

  /// As it is written in a file; just the name if there are no options.
  compress::Value to_value() const {
    if (options.as_map().empty()) return compress::Value(name);
    return compress::Value::map({{name, options}});
  }
};

/// A kind to choose from.
template <class Thing>
struct Kind {
  std::string name;
  std::string description;  ///< one line, for listings
  /// Asks for the kind's options; `spelled_out` gets all of them with the values that hold.
  Thing (*read)(compress::MapReader& options, compress::Value& spelled_out);
};

/// Reads a choice. `what` names it in messages: "optimizer". \throws ConfigError
template <class Thing>
Choice<Thing> read_choice(const compress::Value& value, const std::string& what,
                          const std::vector<Kind<Thing>>& kinds) {
  const compress::NamedMap named = compress::named_map(value, what);
  std::vector<std::string> names;
  std::string known;
  for (const Kind<Thing>& kind : kinds) {
    names.push_back(kind.name);
    known += (known.empty() ? "" : ", ") + kind.name;
    if (kind.name != named.name) continue;
    compress::MapReader reader(named.options, what + " " + kind.name);
    compress::Value spelled_out = compress::Value::map();
    Thing thing = kind.read(reader, spelled_out);
    reader.finish();
    return {kind.name, std::move(spelled_out), std::move(thing)};
  }
  throw compress::ConfigError(named.position, "there is no " + what + " named '" + named.name +
                                                  "'" + compress::did_you_mean(named.name, names) +
                                                  "; known: " + known);
}

}  // namespace espalier::experiment
