// Rules written in plain C++ must mean the same with every compiler: these are the spellings that
// users of this kind of toolkit know.
#include "espalier/compress/config/rules.h"

#include <catch2/catch.hpp>
#include <type_traits>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"

using namespace espalier::compress;
using Catch::Equals;

namespace {

struct Pruner {
  Pruner(Rules given = {}) : rules(std::move(given)) {}
  Pruner(const Pruner&) = delete;
  Rules rules;
};

struct ExplicitPruner {
  explicit ExplicitPruner(Rules given = {}) : rules(std::move(given)) {}
  ExplicitPruner(const ExplicitPruner&) = delete;
  Rules rules;
};

/// As the built-in pruners do it.
struct DerivedPruner : ExplicitPruner {
  using ExplicitPruner::ExplicitPruner;
};

struct Options {
  double momentum = 0.9;
};

struct PrunerWithOptions {
  explicit PrunerWithOptions(Rules given = {}, Options given_options = {})
      : rules(std::move(given)), options(given_options) {}
  PrunerWithOptions(const PrunerWithOptions&) = delete;
  Rules rules;
  Options options;
};

const Value& option(const Rule& rule, const char* key) {
  const Value* value = rule.map().find(key);
  REQUIRE(value != nullptr);
  return *value;
}

}  // namespace

TEMPLATE_TEST_CASE("rules are written in nested braces", "[config]", Pruner, ExplicitPruner,
                   DerivedPruner, PrunerWithOptions) {
  TestType p({{{"sparsity", 0.8}, {"support_type", "default"}}});
  REQUIRE(p.rules.size() == 1);
  REQUIRE(p.rules[0].map().as_map().size() == 2);
  CHECK(option(p.rules[0], "sparsity") == Value(0.8));
  CHECK(option(p.rules[0], "support_type") == Value("default"));

  TestType q({{{"initial_sparsity", 0.0},
               {"final_sparsity", 0.9},
               {"start_epoch", 0},
               {"end_epoch", 10},
               {"frequency", 1},
               {"support_type", "default"}}});
  REQUIRE(q.rules.size() == 1);
  REQUIRE(q.rules[0].map().as_map().size() == 6);
  CHECK(q.rules[0].map().as_map()[2].key == "start_epoch");
  CHECK(option(q.rules[0], "initial_sparsity").kind() == Value::Kind::real);
  CHECK(option(q.rules[0], "start_epoch") == Value(0));
  CHECK(option(q.rules[0], "end_epoch").as_integer() == 10);

  TestType r({{{"sparsity", 0.5}, {"support_type", {"Conv2d", "Linear"}}},
              {{"prune", false}, {"support_op", {"fc2"}}}});
  REQUIRE(r.rules.size() == 2);
  const Value::List& types = option(r.rules[0], "support_type").as_list();
  REQUIRE(types.size() == 2);
  CHECK(types[0].as_text() == "Conv2d");
  CHECK(types[1].as_text() == "Linear");
  CHECK_FALSE(option(r.rules[1], "prune").as_boolean());
  REQUIRE(option(r.rules[1], "support_op").as_list().size() == 1);
  CHECK(option(r.rules[1], "support_op").as_list()[0].as_text() == "fc2");

  TestType s;
  CHECK(s.rules.empty());

  TestType one({{{"sparsity", 0.8}}});
  REQUIRE(one.rules.size() == 1);
  CHECK(option(one.rules[0], "sparsity") == Value(0.8));

  // Pairs of character pointers look like a range of iterators to std::string and std::vector.
  TestType words({{{"support_type", "default"}}, {{"support_op", "fc2"}}});
  REQUIRE(words.rules.size() == 2);
  CHECK(option(words.rules[1], "support_op").as_text() == "fc2");
  TestType both({{{"a", "b"}, {"c", "d"}}});
  REQUIRE(both.rules.size() == 1);
  CHECK(both.rules[0].map() == Value::map({{"a", "b"}, {"c", "d"}}));

  TestType lists({{{"milestones", {10, 20, 30}}, {"levels", {0.5, 0.9}}, {"single", {7}}}});
  CHECK(option(lists.rules[0], "milestones").as_list().size() == 3);
  CHECK(option(lists.rules[0], "levels").as_list()[1].as_number() == 0.9);
  CHECK(option(lists.rules[0], "single").as_list()[0].as_integer() == 7);

  TestType nested({{{"schedule", Value::map({{"one_cycle", Value::map({{"warmup", 0.2}})}})}}});
  CHECK(option(nested.rules[0], "schedule").find("one_cycle")->find("warmup")->as_number() == 0.2);

  const Rules rules{{{"sparsity", 0.5}}, {{"sparsity", 0.6}}};
  TestType copied(rules);
  CHECK(copied.rules.size() == 2);
}

TEST_CASE("a rule is not made from something else by accident", "[config]") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, Member>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, Rule>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, Rules>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Value, Rules>);
}

TEST_CASE("a key that comes twice in a rule made in code is an error", "[config]") {
  CHECK_THROWS_WITH((Rule{{"sparsity", 0.5}, {"prune", true}, {"sparsity", 0.6}}),
                    Equals("[config] key 'sparsity' is given twice in one map"));
}

TEST_CASE("rules from a file", "[config]") {
  const Value list = parse_yaml("- {sparsity: 0.5}\n- prune: False\n-\n", "r.yaml");
  const Rules rules = Rules::from(list, "AGPruner");
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].map().find("sparsity")->as_number() == 0.5);
  CHECK(rules[1].map().position().text() == "r.yaml:2:3");
  CHECK(rules[2].map() == Value::map());
  CHECK(Rules::from(parse_yaml("sparsity: 0.5", "r.yaml"), "AGPruner").size() == 1);
  CHECK(Rules::from(Value(), "AGPruner").empty());
  CHECK(rules.to_value() ==
        Value{Value::map({{"sparsity", 0.5}}), Value::map({{"prune", false}}), Value::map()});
  int count = 0;
  for (const Rule& rule : rules) count += rule.map().is_map() ? 1 : 0;
  CHECK(count == 3);

  CHECK_THROWS_WITH(Rules::from(parse_yaml("\n  0.5", "r.yaml"), "AGPruner"),
                    Equals("[config] r.yaml:2:3: the rules of AGPruner must be a list of maps, "
                           "not 0.5"));
  CHECK_THROWS_WITH(Rules::from(parse_yaml("- {a: 1}\n- sparsity", "r.yaml"), "AGPruner"),
                    Equals("[config] r.yaml:2:3: AGPruner rule 2 must be a map of options, not "
                           "'sparsity'"));
}
