#include "espalier/compress/config/named_map.h"

#include <utility>

#include "espalier/compress/config/config_error.h"

namespace espalier::compress {

NamedValue named_value(const Value& value, std::string_view what) {
  const std::string who(what);
  if (value.is_text()) {
    Value nothing;
    nothing.set_position(value.position());
    return {value.as_text(), std::move(nothing), value.position()};
  }
  if (!value.is_map() || value.as_map().empty()) {
    const std::string found = value.is_map() ? "an empty map" : value.describe();
    throw ConfigError(value.position(), who + " must be a name or 'name: {options}', not " + found);
  }
  const Value::Map& members = value.as_map();
  if (members.size() > 1) {
    // Mostly the options stand one level too high, beside the name.
    throw ConfigError(members[1].key_position,
                      who + " must be one name with its options below it, but after '" +
                          members[0].key + "' comes the key '" + members[1].key + "'");
  }
  return {members[0].key, members[0].value, members[0].key_position};
}

NamedMap named_map(const Value& value, std::string_view what) {
  NamedValue named = named_value(value, what);
  if (named.value.is_null()) {
    Value empty = Value::map();
    empty.set_position(named.value.position());
    named.value = std::move(empty);
  }
  if (!named.value.is_map()) {
    throw ConfigError(named.value.position(), "the options of " + std::string(what) + " '" +
                                                  named.name + "' must be a map, not " +
                                                  named.value.describe());
  }
  return {std::move(named.name), std::move(named.value), std::move(named.position)};
}

}  // namespace espalier::compress
