#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// One rule of a pruner or quantizer: a map of options, e.g.
/// `{{"sparsity", 0.8}, {"support_type", {"Conv2d", "Linear"}}}`.
// It has no other implicit constructor on purpose: with one, the nested braces of a list of rules
// could be read in a second way, and `Pruner p({{{...}}})` would be ambiguous.
class Rule {
 public:
  /// Throws ConfigError if a key comes twice.
  Rule(std::initializer_list<Member> members) : map_(Value::map(members)) {}

  /// The rule in a map that was read from a file; null is a rule without options. Throws
  /// ConfigError for anything else; `what` ("AGPruner rule 2") names it in the message.
  static Rule from(Value map, std::string_view what);

  /// The options; read them with a MapReader.
  const Value& map() const { return map_; }

 private:
  Value map_;
};

/// The rules of one pruner or quantizer, in the order they apply; written in code as
/// `{{{"sparsity", 0.8}}, {{"prune", false}, {"support_op", {"fc2"}}}}`: rules, rule, option.
class Rules {
 public:
  Rules() = default;
  Rules(std::initializer_list<Rule> rules) : rules_(rules) {}

  /// The rules in a value that was read from a file: a list of maps; a single map is one rule and
  /// null is none. Throws ConfigError for anything else; `what` ("AGPruner") names it.
  static Rules from(const Value& value, std::string_view what);

  std::size_t size() const { return rules_.size(); }
  bool empty() const { return rules_.empty(); }
  const Rule& operator[](std::size_t index) const { return rules_[index]; }
  std::vector<Rule>::const_iterator begin() const { return rules_.begin(); }
  std::vector<Rule>::const_iterator end() const { return rules_.end(); }
  void add(Rule rule) { rules_.push_back(std::move(rule)); }

  /// The rules as a list of maps, e.g. to save the configuration as run.
  Value to_value() const;

 private:
  std::vector<Rule> rules_;
};

}  // namespace espalier::compress
