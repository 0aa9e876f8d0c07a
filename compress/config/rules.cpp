#include "espalier/compress/config/rules.h"

#include <string>
#include <utility>

#include "espalier/compress/config/config_error.h"

namespace espalier::compress {

Rule Rule::from(Value map, std::string_view what) {
  Rule rule(std::initializer_list<Member>{});
  if (map.is_null()) {
    rule.map_.set_position(map.position());
  } else if (map.is_map()) {
    rule.map_ = std::move(map);
  } else {
    throw ConfigError(map.position(),
                      std::string(what) + " must be a map of options, not " + map.describe());
  }
  return rule;
}

Rules Rules::from(const Value& value, std::string_view what) {
  Rules rules;
  const auto name = [&] { return std::string(what) + " rule " + std::to_string(rules.size() + 1); };
  if (value.is_map()) {
    rules.add(Rule::from(value, name()));
  } else if (value.is_list()) {
    for (const Value& item : value.as_list()) rules.add(Rule::from(item, name()));
  } else if (!value.is_null()) {
    throw ConfigError(value.position(), "the rules of " + std::string(what) +
                                            " must be a list of maps, not " + value.describe());
  }
  return rules;
}

Value Rules::to_value() const {
  Value list = Value::list();
  for (const Rule& rule : rules_) list.append(rule.map());
  return list;
}

}  // namespace espalier::compress
