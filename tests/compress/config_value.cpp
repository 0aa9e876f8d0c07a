#include "espalier/compress/config/value.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "espalier/compress/config/config_error.h"

using namespace espalier::compress;
using Catch::Equals;
using Kind = Value::Kind;

TEST_CASE("values convert from plain C++ without surprises", "[config]") {
  CHECK(Value().is_null());
  CHECK(Value(nullptr).is_null());
  CHECK(Value(static_cast<const char*>(nullptr)).is_null());
  CHECK(Value(true).is_boolean());
  CHECK(Value(1).is_integer());
  CHECK(Value(0).is_integer());
  CHECK(Value(std::uint8_t{200}).as_integer() == 200);
  CHECK(Value(std::int8_t{-5}).as_integer() == -5);
  CHECK(Value(std::size_t{7}).as_integer() == 7);
  CHECK(Value(0.5f).as_number() == 0.5);
  CHECK(Value(2.0).kind() == Kind::real);
  CHECK(Value("true").is_text());
  CHECK(Value(std::string("a")).as_text() == "a");
  CHECK(Value(std::string_view("abc").substr(0, 2)).as_text() == "ab");
  CHECK(Value(1).as_number() == 1.0);
  CHECK(Value(std::vector<std::string>{"a", "b"}) == Value{"a", "b"});
  CHECK(Value(std::vector<bool>{true, false}) == Value{true, false});
  CHECK(Value(std::vector<double>{}) == Value::list());

  STATIC_REQUIRE_FALSE(std::is_constructible_v<Value, int*>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Value, void*>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Value, char>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Value, Kind>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Value>);

  CHECK_THROWS_WITH(Value(std::numeric_limits<std::uint64_t>::max()),
                    Equals("[config] an integer of the configuration does not fit 64 signed bits"));
}

TEST_CASE("braces are a list, parentheses a copy", "[config]") {
  const Value one = {"fc2"};
  REQUIRE(one.is_list());
  CHECK(one.as_list().size() == 1);
  const Value pair = {"Conv2d", "Linear"};
  REQUIRE(pair.as_list().size() == 2);
  CHECK(pair.as_list()[1].as_text() == "Linear");
  const Value mixed = {1, "a", {2.5, {true}}};
  CHECK(mixed.as_list()[2].as_list()[1].as_list()[0].as_boolean());
  const Value copy(pair);
  CHECK(copy == pair);
  Value assigned;
  assigned = pair;
  CHECK(assigned == pair);
  const Value moved(std::move(assigned));
  CHECK(moved == pair);
}

TEST_CASE("values compare by kind and content", "[config]") {
  CHECK(Value() == Value());
  CHECK(Value(1) == Value(1));
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK_FALSE(Value(1) == Value(2));
  CHECK(Value(1.5) == Value(1.5));
  CHECK(Value(true) == Value(true));
  CHECK_FALSE(Value("a") == Value("b"));
  CHECK_FALSE(Value::map({{"a", 1}}) == Value::map({{"b", 1}}));
  CHECK_FALSE(Value::map({{"a", 1}}) == Value::map({{"a", 2}}));
  Value placed(1);
  placed.set_position({std::make_shared<const std::string>("f"), 1, 2});
  CHECK(placed == Value(1));
}

TEST_CASE("maps keep their order and can be changed", "[config]") {
  Value map;
  map.set("b", 1);
  map.set("a", "x");
  map.set("b", 2);
  REQUIRE(map.as_map().size() == 2);
  CHECK(map.as_map()[0].key == "b");
  CHECK(map.find("b")->as_integer() == 2);
  map.find("a")->set_position({std::make_shared<const std::string>("f"), 3, 4});
  CHECK(map.find("a")->position().text() == "f:3:4");
  CHECK(map.find("c") == nullptr);
  CHECK(Value("text").find("c") == nullptr);

  Value list;
  list.append(1);
  list.append(map);
  CHECK(list.as_list()[1].find("b")->as_integer() == 2);
}

TEST_CASE("the wrong kind is an error that shows the value and its position", "[config]") {
  CHECK_THROWS_WITH(Value("x").as_boolean(), Equals("[config] expected true or false, not 'x'"));
  CHECK_THROWS_WITH(Value(1.5).as_integer(), Equals("[config] expected an integer, not 1.5"));
  CHECK_THROWS_WITH(Value(true).as_number(), Equals("[config] expected a number, not true"));
  CHECK_THROWS_WITH(Value(3).as_text(), Equals("[config] expected text, not 3"));
  CHECK_THROWS_WITH(Value().as_list(), Equals("[config] expected a list, not nothing"));
  CHECK_THROWS_WITH(Value{1}.as_map(), Equals("[config] expected a map, not a list"));
  CHECK_THROWS_WITH(Value(1).set("a", 1), Equals("[config] expected a map, not 1"));
  CHECK_THROWS_WITH(Value::map().append(1), Equals("[config] expected a list, not a map"));
  CHECK_THROWS_WITH(Value::map({{"a", 1}, {"a", 1}}),
                    Equals("[config] key 'a' is given twice in one map"));
  Value placed(2);
  placed.set_position({std::make_shared<const std::string>("train.yaml"), 12, 7});
  CHECK_THROWS_WITH(placed.as_text(), Equals("[config] train.yaml:12:7: expected text, not 2"));
}

TEST_CASE("values describe themselves in one short line", "[config]") {
  CHECK(Value(1.0).describe() == "1.0");
  CHECK(Value(false).describe() == "false");
  CHECK(Value("two\nlines").describe() == "'two lines'");
  CHECK(Value(std::string(100, 'x')).describe() == "'" + std::string(60, 'x') + "...'");
  CHECK(kind_name(Kind::boolean) == "true or false");
  CHECK(kind_name(Kind::integer) == "an integer");
  CHECK(kind_name(Kind::real) == "a number");
  CHECK(kind_name(Kind::text) == "text");
}

TEST_CASE("a configuration error is an Error with its position in front", "[config]") {
  const ConfigError plain("no file");
  CHECK(std::string(plain.what()) == "[config] no file");
  const auto file = std::make_shared<const std::string>("a.yaml");
  CHECK(std::string(ConfigError(Position{file, 3, 4}, "bad").what()) == "[config] a.yaml:3:4: bad");
  CHECK(std::string(ConfigError(Position{file, 0, 0}, "bad").what()) == "[config] a.yaml: bad");
  CHECK(std::string(ConfigError(Position(), "bad").what()) == "[config] bad");
  CHECK(Position().text().empty());
  const espalier::Error& base = plain;
  CHECK(dynamic_cast<const ConfigError*>(&base) != nullptr);
}
