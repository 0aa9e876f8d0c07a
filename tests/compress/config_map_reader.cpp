#include "espalier/compress/config/map_reader.h"

#include <catch2/catch.hpp>
#include <limits>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/named_map.h"
#include "espalier/compress/config/rules.h"
#include "espalier/compress/config/yaml.h"

using namespace espalier::compress;
using Catch::Equals;
using Strings = std::vector<std::string>;

namespace {

MapReader reader_of(const std::string& text) {
  return MapReader(parse_yaml(text, "train.yaml"), "AGPruner rule 1");
}

MapReader reader_of(Rule rule) {
  return MapReader(rule.map(), "AGPruner rule 2");
}

}  // namespace

TEST_CASE("options are read by kind", "[config]") {
  MapReader reader = reader_of(
      "sparsity: 0.5\nlr: 1\nepochs: 3\nprune: False\nname: fc\nmode: cubic\n"
      "ops: [a, b]\ntype: default\nsteps: [10, 20]\nstep: 7\nlevels: [0.5, 1]\nlevel: 1\nraw: {a: "
      "1}\n");
  CHECK(reader.number("sparsity", {.min = 0, .below = 1}) == 0.5);
  CHECK(reader.number("lr") == 1.0);
  CHECK(reader.integer("epochs", {.min = 1}) == 3);
  CHECK_FALSE(reader.boolean("prune"));
  CHECK(reader.text("name") == "fc");
  CHECK(reader.choice("mode", {"linear", "cubic"}) == "cubic");
  CHECK(reader.strings("ops") == Strings{"a", "b"});
  CHECK(reader.strings("type") == Strings{"default"});
  CHECK(reader.integers("steps", {.min = 1}) == std::vector<std::int64_t>{10, 20});
  CHECK(reader.integers("step") == std::vector<std::int64_t>{7});
  CHECK(reader.numbers("levels", {.max = 1}) == std::vector<double>{0.5, 1.0});
  CHECK(reader.numbers("level") == std::vector<double>{1.0});
  REQUIRE(reader.has("raw"));
  CHECK(reader.find("raw")->find("a")->as_integer() == 1);
  CHECK(reader.require("raw").is_map());
  CHECK_FALSE(reader.has("other"));
  CHECK(reader.find("other") == nullptr);
  CHECK_NOTHROW(reader.finish());
  CHECK(reader.what() == "AGPruner rule 1");
  CHECK(reader.map().as_map().size() == 13);
}

TEST_CASE("a key that is not there takes its fallback", "[config]") {
  MapReader reader = reader_of("");
  CHECK(reader.number("a", {.min = 0, .fallback = -1}) == -1);
  CHECK(reader.integer("b", {.fallback = 4}) == 4);
  CHECK(reader.boolean("c", true));
  CHECK_FALSE(reader.boolean("c", false));
  CHECK(reader.text("d", "x") == "x");
  CHECK(reader.choice("e", {"linear", "cubic"}, "cubic") == "cubic");
  CHECK(reader.strings("f", Strings{"default"}) == Strings{"default"});
  CHECK(reader.strings("f", Strings{}).empty());
  CHECK(reader.numbers("g", {}, std::vector<double>{1, 2}).size() == 2);
  CHECK(reader.integers("h", {}, std::vector<std::int64_t>{1}).size() == 1);
  CHECK_NOTHROW(reader.finish());
}

TEST_CASE("an unknown key is named with its position and the nearest known one", "[config]") {
  MapReader reader = reader_of("final_sparsity: 0.9\nstart: 1\n  \nfrequncy: 2\n");
  reader.number("final_sparsity");
  reader.integer("start");
  reader.integer("frequency", {.fallback = 1});
  CHECK_THROWS_WITH(reader.finish(),
                    Equals("[config] train.yaml:4:1: unknown key 'frequncy' in AGPruner rule 1; "
                           "did you mean 'frequency'? Known keys: final_sparsity, start, "
                           "frequency"));
  MapReader far = reader_of("{lr: 1, momentum: 2, other: 3}");
  far.number("lr");
  CHECK_THROWS_WITH(far.finish(), Equals("[config] train.yaml:1:9: unknown key 'momentum' in "
                                         "AGPruner rule 1. Known keys: lr"));
  CHECK_THROWS_WITH(reader_of("lr: 1").finish(),
                    Equals("[config] train.yaml:1:1: unknown key 'lr' in AGPruner rule 1; no "
                           "options are known here"));
}

TEST_CASE("a rule made in code is named instead of a position", "[config]") {
  MapReader reader = reader_of(Rule{{"sparsty", 0.5}, {"count", 1.5}, {"ops", {"a", 2}}});
  reader.number("sparsity", {.fallback = 0});
  CHECK_THROWS_WITH(reader.integer("count"), Equals("[config] AGPruner rule 2, key 'count': must "
                                                    "be an integer, not 1.5"));
  CHECK_THROWS_WITH(reader.strings("ops"), Equals("[config] AGPruner rule 2, key 'ops[1]': must be "
                                                  "text, not 2; put it in quotes"));
  CHECK_THROWS_WITH(reader.finish(),
                    Equals("[config] AGPruner rule 2, key 'sparsty': unknown key; did you mean "
                           "'sparsity'? Known keys: sparsity, count, ops"));
  CHECK_THROWS_WITH(reader.number("lr"), Equals("[config] AGPruner rule 2, key 'lr': missing key"));
}

TEST_CASE("a required key is asked for by name", "[config]") {
  CHECK_THROWS_WITH(reader_of("\n  lr: 1\n").integer("epochs"),
                    Equals("[config] train.yaml:2:3: missing key 'epochs' in AGPruner rule 1"));
  CHECK_THROWS_WITH(reader_of("lr: 1\nepoch: 3\n").integer("epochs"),
                    Equals("[config] train.yaml:2:1: missing key 'epochs' in AGPruner rule 1; is "
                           "'epoch' meant to be it?"));
  CHECK_THROWS_WITH(reader_of(Rule{{"epoch", 1}}).integer("epochs"),
                    Equals("[config] AGPruner rule 2, key 'epochs': missing key; is 'epoch' meant "
                           "to be it?"));
  CHECK_THROWS_WITH(reader_of("").text("name"),
                    Equals("[config] train.yaml:1:1: missing key 'name' in AGPruner rule 1"));
  CHECK_THROWS_AS(reader_of("").number("x"), ConfigError);
  CHECK_THROWS_AS(reader_of("").boolean("x"), ConfigError);
  CHECK_THROWS_AS(reader_of("").choice("x", {"a", "b"}), ConfigError);
  CHECK_THROWS_AS(reader_of("").strings("x"), ConfigError);
  CHECK_THROWS_AS(reader_of("").numbers("x"), ConfigError);
  CHECK_THROWS_AS(reader_of("").integers("x"), ConfigError);
  CHECK_THROWS_AS(reader_of("").require("x"), ConfigError);
}

TEST_CASE("ranges are checked and shown", "[config]") {
  const auto number_error = [](const std::string& text, const NumberOptions& options) {
    try {
      reader_of("a: 1\nsparsity: " + text).number("sparsity", options);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string start = "[config] train.yaml:2:11: sparsity must be ";
  const std::string end = " (in AGPruner rule 1)";
  CHECK(number_error("1.5", {.min = 0, .below = 1}) == start + "a number in [0, 1), not 1.5" + end);
  CHECK(number_error("1", {.min = 0, .below = 1}) == start + "a number in [0, 1), not 1" + end);
  CHECK(number_error("0", {.min = 0, .below = 1}) == "no error");
  CHECK(number_error("0", {.above = 0, .max = 1}) == start + "a number in (0, 1], not 0" + end);
  CHECK(number_error("1", {.above = 0, .max = 1}) == "no error");
  CHECK(number_error("1.1", {.above = 0, .max = 1}) == start + "a number in (0, 1], not 1.1" + end);
  CHECK(number_error("-0.1", {.min = 0}) == start + "a number of at least 0, not -0.1" + end);
  CHECK(number_error("0", {.above = 0}) == start + "a number above 0, not 0" + end);
  CHECK(number_error("2", {.max = 1.5}) == start + "a number of at most 1.5, not 2" + end);
  CHECK(number_error("2", {.below = 2}) == start + "a number below 2, not 2" + end);
  CHECK(number_error("abc", {}) == start + "a number, not 'abc'" + end);
  CHECK(number_error("'1'", {}) == start + "a number, not '1'" + end);
  CHECK(number_error(".nan", {}) == start + "a number, not '.nan'" + end);
  CHECK(number_error("60_000", {}) == start + "a number, not '60_000'" + end);
  CHECK(number_error("yes", {}) == start + "a number, not true" + end);
  CHECK(number_error("[1]", {}) == start + "a number, not a list" + end);
  CHECK(number_error("{a: 1}", {}) == start + "a number, not a map" + end);
  // A given key without a value does not silently take the fallback.
  CHECK_THROWS_WITH(reader_of("a:\nb: 1\n").number("a", {.fallback = 1}),
                    Equals("[config] train.yaml:1:1: a must be a number, not nothing" + end));

  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto infinite = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(reader_of(Rule{{"a", nan}}).number("a"), ConfigError);
  CHECK_THROWS_WITH(reader_of(Rule{{"a", infinite}}).number("a"),
                    Equals("[config] AGPruner rule 2, key 'a': must be a number, not .inf"));

  CHECK_THROWS_WITH(
      reader_of("a: 11").integer("a", {.min = 0, .max = 10}),
      Equals("[config] train.yaml:1:4: a must be an integer in [0, 10], not 11" + end));
  CHECK_THROWS_WITH(
      reader_of("a: 0").integer("a", {.min = 1}),
      Equals("[config] train.yaml:1:4: a must be an integer of at least 1, not 0" + end));
  CHECK_THROWS_WITH(
      reader_of("a: 3").integer("a", {.max = 2}),
      Equals("[config] train.yaml:1:4: a must be an integer of at most 2, not 3" + end));
  CHECK_THROWS_WITH(reader_of("a: 3.0").integer("a"),
                    Equals("[config] train.yaml:1:4: a must be an integer, not 3.0" + end));
}

TEST_CASE("the wrong kind is refused where it stands", "[config]") {
  CHECK_THROWS_WITH(reader_of("a: 1").boolean("a"),
                    Equals("[config] train.yaml:1:4: a must be true or false, not 1 (in AGPruner "
                           "rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: 1").text("a"),
                    Equals("[config] train.yaml:1:4: a must be text, not 1; put it in quotes (in "
                           "AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: [x]").text("a"),
                    Equals("[config] train.yaml:1:4: a must be text, not a list (in AGPruner rule "
                           "1)"));
  CHECK_THROWS_WITH(reader_of("a: [x, [y]]").strings("a"),
                    Equals("[config] train.yaml:1:8: a[1] must be text, not a list (in AGPruner "
                           "rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: no").strings("a"),
                    Equals("[config] train.yaml:1:4: a must be text, not false; put it in quotes "
                           "(in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: [1, 2.5]").integers("a"),
                    Equals("[config] train.yaml:1:8: a[1] must be an integer, not 2.5 (in "
                           "AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: [-1]").numbers("a", {.min = 0}),
                    Equals("[config] train.yaml:1:5: a[0] must be a number of at least 0, not -1 "
                           "(in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: qubic").choice("a", {"linear", "cubic"}),
                    Equals("[config] train.yaml:1:4: a must be one of linear, cubic, not 'qubic'; "
                           "did you mean 'cubic'? (in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: sine").choice("a", {"linear", "cubic"}),
                    Equals("[config] train.yaml:1:4: a must be one of linear, cubic, not 'sine' "
                           "(in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("a: 3").choice("a", {"linear", "cubic"}),
                    Equals("[config] train.yaml:1:4: a must be one of linear, cubic, not 3 (in "
                           "AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of("\n- a"), Equals("[config] train.yaml:2:1: AGPruner rule 1 must be "
                                               "a map of 'key: value', not a list"));
  CHECK_THROWS_WITH(MapReader(Value("x"), "the trainer"),
                    Equals("[config] the trainer must be a map of 'key: value', not 'x'"));
}

TEST_CASE("what was read is kept, fallbacks spelled out, and reads as the same", "[config]") {
  const auto read = [](MapReader reader) {
    reader.number("lr", {.fallback = 0.1});
    reader.integer("epochs");
    reader.text("name", "x");
    reader.boolean("nesterov", false);
    reader.choice("mode", {"linear", "cubic"}, "cubic");
    reader.strings("ops", Strings{"a", "b"});
    reader.integers("steps");
    reader.numbers("levels", {}, std::vector<double>{0.5});
    reader.find("raw");
    reader.find("absent");
    reader.finish();
    return reader.as_read();
  };
  const Value once = read(reader_of("steps: 7\nepochs: 3\nraw: {a: 1}\nmode: linear\n"));
  CHECK(once == Value::map({{"lr", 0.1},
                            {"epochs", 3},
                            {"name", "x"},
                            {"nesterov", false},
                            {"mode", "linear"},
                            {"ops", {"a", "b"}},
                            {"steps", 7},
                            {"levels", {0.5}},
                            {"raw", Value::map({{"a", 1}})}}));
  CHECK(once.find("steps")->position().text() == "train.yaml:1:8");
  CHECK(read(MapReader(once, "again")) == once);
}

TEST_CASE("where nothing is required, what is there is checked all the same", "[config]") {
  MapReader reader = reader_of("end: 3\n");
  reader.require_nothing();
  CHECK(reader.number("a", {.min = 2, .below = 3}) == 2);
  CHECK(reader.number("b", {.above = 0, .max = 1}) == 1);
  CHECK(reader.number("c", {.above = 0, .below = 1}) == 0.5);
  CHECK(reader.number("d", {.above = 0}) > 0);
  CHECK(reader.number("e", {.below = 0}) < 0);
  CHECK(reader.number("f", {.min = 0, .fallback = 4}) == 4);
  CHECK(reader.integer("start", {.min = 5}) == 5);
  CHECK(reader.integer("g", {.max = -1}) == -1);
  CHECK_FALSE(reader.boolean("h"));
  CHECK(reader.text("i").empty());
  CHECK(reader.choice("j", {"linear", "cubic"}) == "linear");
  CHECK(reader.strings("k").empty());
  CHECK(reader.require("l").is_null());
  CHECK_THROWS_AS(reader.integer("end", {.max = 2}), ConfigError);
  CHECK(reader.integer("end") == 3);
  CHECK_NOTHROW(reader.check(false, {"end", "start"}, "must be after start"));
  CHECK_THROWS_WITH(reader.check(false, {"end", "f"}, "must be after f"),
                    Equals("[config] train.yaml:1:6: end must be after f (in AGPruner rule 1)"));
  CHECK_NOTHROW(reader.check(true, {"end", "f"}, "must be after f"));
  CHECK(reader.as_read() == Value::map({{"f", 4.0}, {"end", 3}}));
  CHECK_NOTHROW(reader.finish());
}

TEST_CASE("an item of a list is complained about where it stands", "[config]") {
  MapReader reader = reader_of("ops: [a, b]\nop: c\n");
  CHECK_THROWS_WITH(reader.fail_item("ops", 1, "is wrong"),
                    Equals("[config] train.yaml:1:10: ops[1] is wrong (in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader.fail_item("op", 0, "is wrong"),
                    Equals("[config] train.yaml:2:5: op is wrong (in AGPruner rule 1)"));
}

TEST_CASE("checks of several keys complain in the same style", "[config]") {
  MapReader reader = reader_of("start_epoch: 5\nend_epoch: 3\n");
  CHECK_THROWS_WITH(reader.fail("end_epoch", "must be after start_epoch (5), not 3"),
                    Equals("[config] train.yaml:2:12: end_epoch must be after start_epoch (5), "
                           "not 3 (in AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader.fail("frequency", "is needed with end_epoch"),
                    Equals("[config] train.yaml:1:1: frequency is needed with end_epoch (in "
                           "AGPruner rule 1)"));
  CHECK_THROWS_WITH(reader_of(Rule{{"a", 1}}).fail("a", "must be odd"),
                    Equals("[config] AGPruner rule 2, key 'a': must be odd"));
}

TEST_CASE("a name with options", "[config]") {
  const auto read = [](const std::string& text) {
    const Value root = parse_yaml(text, "train.yaml");
    return named_map(*root.find("optimizer"), "optimizer");
  };
  const NamedMap sgd = read("optimizer:\n  SGD: {lr: 0.05}\n");
  CHECK(sgd.name == "SGD");
  CHECK(sgd.options == Value::map({{"lr", 0.05}}));
  CHECK(sgd.position.text() == "train.yaml:2:3");
  CHECK(sgd.options.position().text() == "train.yaml:2:8");

  const NamedMap bare = read("optimizer: SGD\n");
  CHECK(bare.name == "SGD");
  CHECK(bare.options == Value::map());
  CHECK(bare.position.text() == "train.yaml:1:12");
  CHECK_THROWS_WITH(MapReader(bare.options, "SGD").number("lr"),
                    Equals("[config] train.yaml:1:12: missing key 'lr' in SGD"));

  const NamedMap nothing = read("optimizer:\n  SGD:\nother: 1\n");
  CHECK(nothing.name == "SGD");
  CHECK(nothing.options == Value::map());
  CHECK(nothing.options.position().text() == "train.yaml:2:3");

  CHECK_THROWS_WITH(read("optimizer:\n  SGD:\n  lr: 0.05\n"),
                    Equals("[config] train.yaml:3:3: optimizer must be one name with its options "
                           "below it, but after 'SGD' comes the key 'lr'"));
  CHECK_THROWS_WITH(read("optimizer: {}"), Equals("[config] train.yaml:1:12: optimizer must be a "
                                                  "name or 'name: {options}', not an empty map"));
  CHECK_THROWS_WITH(read("optimizer:\nb: 1"), Equals("[config] train.yaml:1:1: optimizer must be a "
                                                     "name or 'name: {options}', not nothing"));
  CHECK_THROWS_WITH(read("optimizer: [SGD]"), Equals("[config] train.yaml:1:12: optimizer must be "
                                                     "a name or 'name: {options}', not a list"));
  CHECK_THROWS_WITH(read("optimizer: 3"), Equals("[config] train.yaml:1:12: optimizer must be a "
                                                 "name or 'name: {options}', not 3"));
  CHECK_THROWS_WITH(read("optimizer: {SGD: 0.05}"),
                    Equals("[config] train.yaml:1:18: the options of optimizer 'SGD' must be a "
                           "map, not 0.05"));
}

TEST_CASE("a name with rules", "[config]") {
  const Value value = parse_yaml("AGPruner:\n  - {sparsity: 0.5}\n", "train.yaml");
  const NamedValue named = named_value(value, "pruner");
  CHECK(named.name == "AGPruner");
  CHECK(Rules::from(named.value, named.name).size() == 1);
  CHECK(named.position.text() == "train.yaml:1:1");
  CHECK(named_value(Value("AGPruner"), "pruner").value.is_null());
}
