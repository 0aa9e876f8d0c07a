#include "espalier/compress/config/yaml.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/scalar.h"

using namespace espalier::compress;
using Catch::Equals;
using Kind = Value::Kind;

namespace {

Value yaml(const std::string& text) {
  return parse_yaml(text, "t.yaml");
}

std::string error_of(const std::string& text) {
  try {
    yaml(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("unquoted words are read as YAML users write them", "[config]") {
  for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    CHECK(plain_scalar(word) == Value(true));
  }
  for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    CHECK(plain_scalar(word) == Value(false));
  }
  for (const char* word : {"", "~", "null", "Null", "NULL"}) CHECK(plain_scalar(word).is_null());

  CHECK(plain_scalar("0") == Value(0));
  CHECK(plain_scalar("-12") == Value(-12));
  CHECK(plain_scalar("+7") == Value(7));
  CHECK(plain_scalar("9223372036854775807") == Value(std::numeric_limits<std::int64_t>::max()));
  CHECK(plain_scalar("9223372036854775808") == Value(9223372036854775808.0));
  CHECK(plain_scalar("1e-3") == Value(1e-3));
  CHECK(plain_scalar("1E+3") == Value(1e3));
  CHECK(plain_scalar(".5") == Value(0.5));
  CHECK(plain_scalar("-.5") == Value(-0.5));
  CHECK(plain_scalar("+5.") == Value(5.0));
  CHECK(plain_scalar("0.05") == Value(0.05));
  CHECK(plain_scalar("2.5e2") == Value(250.0));

  for (const char* word :
       {"0x10", "60_000", "010",        "-007",    "nan",     ".nan", "inf", ".inf",
        "-inf", "1e999",  "1e-999",     "1:30",    "1.2.3",   "e5",   "1e",  "1e+",
        "+",    "-",      ".",          "-.",      "--1",     "1 2",  "5x",  ".e1",
        "y",    "tRue",   "2024-01-31", "default", "infinity"}) {
    CAPTURE(word);
    CHECK(plain_scalar(word) == Value(word));
  }
}

TEST_CASE("numbers are written so that they are read back", "[config]") {
  CHECK(scalar_text(Value(1.0)) == "1.0");
  CHECK(scalar_text(Value(0.8)) == "0.8");
  CHECK(scalar_text(Value(1e-6)) == "1e-06");
  CHECK(scalar_text(Value(1e300)) == "1e+300");
  CHECK(scalar_text(Value(3)) == "3");
  CHECK(scalar_text(Value()) == "~");
  CHECK(scalar_text(Value("a")) == "a");
  CHECK(scalar_text(Value(std::numeric_limits<double>::quiet_NaN())) == ".nan");
  CHECK(scalar_text(Value(std::numeric_limits<double>::infinity())) == ".inf");
  CHECK(scalar_text(Value(-std::numeric_limits<double>::infinity())) == "-.inf");
  CHECK(number_text(1.0) == "1");
  CHECK(number_text(0.0) == "0");
  CHECK(number_text(-0.0005) == "-0.0005");
  CHECK(number_text(123456789.0) == "123456789");
  CHECK(number_text(1e-6) == "1e-06");
  CHECK(number_text(1e15) == "1e+15");
  CHECK(number_text(-std::numeric_limits<double>::denorm_min()) == "-5e-324");
  CHECK_THROWS_AS(scalar_text(Value{1}), ConfigError);
  std::mt19937_64 bits(7);
  for (int i = 0; i < 2000; ++i) {
    const auto mantissa = static_cast<double>(bits()) - 9e18;
    const double number = std::ldexp(mantissa, static_cast<int>(bits() % 400) - 200);
    CHECK(plain_scalar(scalar_text(Value(number))) == Value(number));
  }
}

TEST_CASE("a file is read with the position of every key and value", "[config]") {
  const Value root = yaml(
      "# a comment\n"
      "model: LeNet5\n"
      "pruner:\n"
      "  AGPruner:\n"
      "    - final_sparsity: 0.9\n"
      "      prune: False\n"
      "      support_type: 'default'\n"
      "      levels: [0.5, 10, \"x\"]\n"
      "empty:\n"
      "last: ~\n");
  REQUIRE(root.is_map());
  CHECK(root.position().text() == "t.yaml:2:1");
  const Value::Map& top = root.as_map();
  REQUIRE(top.size() == 4);
  CHECK(top[1].key == "pruner");
  CHECK(top[1].key_position.text() == "t.yaml:3:1");
  CHECK(root.find("model")->position().text() == "t.yaml:2:8");
  const Value& rule = root.find("pruner")->find("AGPruner")->as_list()[0];
  CHECK(rule.position().text() == "t.yaml:5:7");
  CHECK(rule.as_map()[1].key_position.text() == "t.yaml:6:7");
  CHECK(rule.find("prune")->position().text() == "t.yaml:6:14");
  CHECK_FALSE(rule.find("prune")->as_boolean());
  CHECK(*rule.find("support_type") == Value("default"));
  CHECK(rule.find("levels")->position().text() == "t.yaml:8:15");
  CHECK(rule.find("levels")->as_list()[2].position().text() == "t.yaml:8:25");
  // A missing value is reported at its key, not at whatever follows.
  CHECK(root.find("empty")->is_null());
  CHECK(root.find("empty")->position().text() == "t.yaml:9:1");
  CHECK(root.find("last")->is_null());
  CHECK(root.find("last")->position().line == 10);
}

TEST_CASE("columns count characters, not bytes", "[config]") {
  const Value root = yaml("a: 1\ncaf\xC3\xA9: x\n");
  CHECK(root.as_map()[1].value.position().text() == "t.yaml:2:7");
  CHECK_THAT(error_of("\xE2\x82\xAC: @x"), Catch::StartsWith("[config] t.yaml:1:4: "));
}

TEST_CASE("quoted words are text", "[config]") {
  CHECK(yaml("'default'") == yaml("default"));
  CHECK(yaml("'1'") == Value("1"));
  CHECK(yaml("\"true\"") == Value("true"));
  CHECK(yaml("''") == Value(""));
  CHECK(yaml("a: |\n  12\n").find("a")->as_text() == "12\n");
  CHECK(yaml("!!str 12") == Value("12"));
  CHECK(yaml("12: a").as_map()[0].key == "12");
  CHECK(yaml("on: a").as_map()[0].key == "on");
}

TEST_CASE("line ends, flow style and odd layouts", "[config]") {
  CHECK(yaml("a: 1\r\nb: yes\r\n") == Value::map({{"a", 1}, {"b", true}}));
  CHECK(yaml("\xEF\xBB\xBF"
             "a: 1") == Value::map({{"a", 1}}));
  CHECK(yaml("%YAML 1.2\n---\na: 1\n...\n") == Value::map({{"a", 1}}));
  CHECK(yaml("{a: {b: [1, {c: d}]}, e: }") ==
        Value::map({{"a", Value::map({{"b", {1, Value::map({{"c", "d"}})}}})}, {"e", nullptr}}));
  CHECK(yaml("- \n- 1") == Value{nullptr, 1});
  CHECK(yaml("[]") == Value::list());
  CHECK(yaml("{}") == Value::map());
}

TEST_CASE("an empty file is the null value at its beginning", "[config]") {
  for (const char* text : {"", "\n", "# only a comment\n"}) {
    const Value value = yaml(text);
    CHECK(value.is_null());
    CHECK(value.position().text() == "t.yaml:1:1");
  }
  CHECK(yaml("---\n").is_null());
}

TEST_CASE("a key that comes twice is an error", "[config]") {
  CHECK(error_of("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n") ==
        "[config] t.yaml:5:3: key 'c' is given twice in one map, first in line 3");
  CHECK(error_of("{a: 1, 'a': 2}") ==
        "[config] t.yaml:1:8: key 'a' is given twice in one map, first in line 1");
  CHECK(error_of("a: {x: 1}\nb: {x: 1}\n") == "no error");
}

TEST_CASE("a key must be a word", "[config]") {
  CHECK(error_of("? [a, b]\n: 1\n") == "[config] t.yaml:1:3: a key must be a word, not a list");
  CHECK(error_of("{a: 1}: 2\n") == "[config] t.yaml:1:1: a key must be a word, not a map");
  CHECK(error_of("a: &x b\n*x : 1\n") == "[config] t.yaml:2:1: a key must be a word, not an alias");
  CHECK(error_of("~: 1\n") == "[config] t.yaml:1:1: a key is missing here");
  CHECK(error_of("a: 1\n: 2\n") == "[config] t.yaml:2:1: a key is missing here");
  CHECK(error_of("a: &x {b: 1}\nc:\n  <<: *x\n") ==
        "[config] t.yaml:3:3: merge keys ('<<') are not supported");
  CHECK(yaml("'<<': 1").find("<<")->as_integer() == 1);
}

TEST_CASE("a pattern without its quotes is told to have them", "[config]") {
  const std::string star =
      "a word that begins with * repeats an anchor in YAML, and there is none of that name; put a "
      "pattern of names in quotes, as in '*.conv1'";
  CHECK(error_of("a: 1\nb: *.conv1\n") == "[config] t.yaml:2:4: " + star);
  CHECK(error_of("b: [fc, *conv]\n") == "[config] t.yaml:1:9: " + star);
  CHECK(error_of("b: {c: *, d: 1}\n") == "[config] t.yaml:1:9: " + star);
  CHECK(error_of("a: 1\nb: [block*.conv?]\n") ==
        "[config] t.yaml:2:16: unknown token; put a pattern of names in quotes");
  CHECK_THAT(error_of("b: [re:conv[1-3]]\n"),
             Catch::EndsWith("; put a pattern of names in quotes"));
  CHECK_THAT(error_of("a: re:x\nb: [c\n"), !Catch::Contains("quotes"));
  CHECK(yaml("a: block*.conv?\nb: ['*.conv?', \"re:c[12]\"]\nc: re:c[12]\n") ==
        Value::map({{"a", "block*.conv?"}, {"b", {"*.conv?", "re:c[12]"}}, {"c", "re:c[12]"}}));
}

TEST_CASE("anchors and aliases", "[config]") {
  const Value value = yaml("a: &x {b: 1}\nc: *x\nd: &y 5\ne: [*y, *y]\n");
  CHECK(*value.find("c") == *value.find("a"));
  CHECK(*value.find("e") == Value{5, 5});
  // The value is where it must be corrected, not where it is repeated.
  CHECK(value.find("c")->find("b")->position().text() == "t.yaml:1:11");

  CHECK(error_of("a: &x [1, *x]\n") ==
        "[config] t.yaml:1:11: this alias stands inside the value that it repeats");
  CHECK(error_of("a: &x\n  b: *x\n") ==
        "[config] t.yaml:2:6: this alias stands inside the value that it repeats");
  CHECK_THAT(error_of("a: *unknown\n"), Catch::StartsWith("[config] t.yaml:1:4: "));

  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  CHECK_THAT(error_of(bomb), Catch::Contains("aliases repeat too many values"));
}

TEST_CASE("one document and no tags", "[config]") {
  CHECK(error_of("a: 1\n---\nb: 2\n") ==
        "[config] t.yaml:2:1: a second document starts here; a configuration file holds one");
  CHECK(error_of("a: !!int '3'\n") ==
        "[config] t.yaml:1:4: the tag 'tag:yaml.org,2002:int' is not supported");
  CHECK(error_of("a: !mine [1]\n") == "[config] t.yaml:1:4: the tag '!mine' is not supported");
  CHECK(error_of("!!str {a: 1}\n") ==
        "[config] t.yaml:1:1: the tag 'tag:yaml.org,2002:str' is not supported");
}

TEST_CASE("wrong syntax is one line with its position", "[config]") {
  const std::string texts[] = {"a: [1, 2",
                               "a: {b: 1",
                               "a: 'open",
                               "a: b: c",
                               "a: 1\n\tb: 2\n",
                               "a: 1\n  b: 2\n",
                               "- a\nb: 1\n",
                               "a: \"\\q\"",
                               "a: @x",
                               "lr:0.05\nepochs: 3\n",
                               "]",
                               "a: 1\n]",
                               "%BAD\n%YAML 9.9\n---\na",
                               std::string(2000, '[')};
  for (const std::string& text : texts) {
    CAPTURE(text);
    const std::string message = error_of(text);
    CAPTURE(message);
    CHECK_THAT(message, Catch::Matches("\\[config\\] t\\.yaml:[0-9]+:[0-9]+: .+"));
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("a quote that is never closed does not swallow what follows", "[config]") {
  const std::string unclosed = "[config] t.yaml:2:4: this quote is never closed";
  CHECK(error_of("a: 1\nb: 'open\nc: 2\n") == unclosed);
  CHECK(error_of("a: 1\nb: \"open\nc: 2\n") == unclosed);
  CHECK(error_of("a: 1\nb: 'it''s\nc: 2\n") == unclosed);
  CHECK(error_of("a: 1\nb: \"say \\\"x\nc: 2\n") == unclosed);
  CHECK(error_of("\xEF\xBB\xBF"
                 "a: 1\nb: 'open\n") == unclosed);
  CHECK(yaml("a: 'it''s'\nb: \"say \\\"x\\\"\"\nc: '''x'''\n'd': \"two\n  lines\"\n") ==
        Value::map({{"a", "it's"}, {"b", "say \"x\""}, {"c", "'x'"}, {"d", "two lines"}}));
  CHECK(yaml("a: it's\nb: 5\"\n") == Value::map({{"a", "it's"}, {"b", "5\""}}));
  CHECK(yaml("# caf\xC3\xA9\r\na: &x 'b'\r\nc: !!str 'd'\r\ne: 'f'") ==
        Value::map({{"a", "b"}, {"c", "d"}, {"e", "f"}}));
}

TEST_CASE("any cut or damaged file is read or refused as a configuration error", "[config]") {
  const std::string whole =
      "# run\nmodel: &m LeNet5\npruner:\n  AGPruner:\n    - {final: 0.9, type: [a, 'b''c']}\n"
      "    - prune: False\n      text: \"x\\ty\"\nblock: |\n  one\n  two\nagain: *m\n? key\n: 1\n";
  const std::string odd = "\t\n :-?[]{},#&*!|>'\"%@`\\~<\r";
  int refused = 0;
  const auto attempt = [&refused](const std::string& text) {
    try {
      const Value value = yaml(text);
      CAPTURE(text, to_yaml(value));
      CHECK(yaml(to_yaml(value)) == value);
    } catch (const ConfigError&) {
      ++refused;
    }
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    attempt(whole.substr(0, at));
    for (const char c : odd) {
      std::string damaged = whole;
      damaged[at] = c;
      attempt(damaged);
      attempt(whole.substr(0, at) + c + whole.substr(at));
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("files that cannot be read are named", "[config]") {
  CHECK_THROWS_WITH(read_yaml_file("/nonexistent/train.yaml"),
                    Equals("[config] cannot read '/nonexistent/train.yaml': No such file or "
                           "directory"));
  CHECK_THROWS_WITH(yaml(std::string("a: 1\0", 5)),
                    Equals("[config] t.yaml: this is not a text file in UTF-8"));
  const std::string folder = std::filesystem::temp_directory_path().string();
  CHECK_THROWS_WITH(read_yaml_file(folder),
                    Equals("[config] cannot read '" + folder + "': Is a directory"));
  CHECK_THROWS_AS(read_yaml_file(""), ConfigError);
}

TEST_CASE("a file on disk", "[config]") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("espalier_config_" + std::to_string(std::random_device{}()) + ".yaml");
  std::ofstream(path) << "optimizer:\n  SGD: {lr: 0.05}\n";
  const Value value = read_yaml_file(path.string());
  CHECK(value.find("optimizer")->find("SGD")->find("lr")->position().text() ==
        path.string() + ":2:13");
  std::ofstream(path, std::ios::trunc).flush();
  CHECK(read_yaml_file(path.string()).is_null());
  std::filesystem::remove(path);
}

TEST_CASE("a configuration is written readably", "[config]") {
  const Value value = Value::map(
      {{"model", "LeNet5"},
       {"epochs", 15},
       {"optimizer", Value::map({{"SGD", Value::map({{"lr", 0.05}, {"nesterov", true}})}})},
       {"pruner",
        Value::map({{"AGPruner",
                     {Value::map({{"final_sparsity", 0.9}, {"support_type", {"Conv2d", "Linear"}}}),
                      Value::map({{"prune", false}})}}})},
       {"nothing", nullptr},
       {"empty", Value::map()},
       {"none", Value::list()}});
  CHECK(to_yaml(value) ==
        "model: LeNet5\n"
        "epochs: 15\n"
        "optimizer:\n"
        "  SGD: {lr: 0.05, nesterov: true}\n"
        "pruner:\n"
        "  AGPruner:\n"
        "    - final_sparsity: 0.9\n"
        "      support_type: [Conv2d, Linear]\n"
        "    - {prune: false}\n"
        "nothing: ~\n"
        "empty: {}\n"
        "none: []\n");
  CHECK(yaml(to_yaml(value)) == value);
}

TEST_CASE("what is written reads back equal", "[config]") {
  const Value tricky = {"true",  "1",           "1.0", "~",    "null",   "",
                        " ",     "a: b",        "- a", "#x",   "x #y",   "&a",
                        "*a",    "!t",          "?",   "'q'",  "\"dq\"", "two\nlines",
                        "tab\t", "[",           "{a",  "%",    "@",      "`",
                        "on",    "-",           "---", "...",  "<<",     "caf\xC3\xA9",
                        "a,b",   "back\\slash", ":",   "0x10", ".nan",   std::string(200, 'x')};
  CHECK(yaml(to_yaml(tricky)) == tricky);
  for (const Value& text : tricky.as_list()) {
    CAPTURE(text.as_text());
    CHECK(yaml(to_yaml(text)) == text);
    Value map = Value::map({{"inner", Value::map()}});
    map.find("inner")->set(text.as_text(), text);
    map.set(text.as_text(), {text, Value::list(), Value::map({{"a", text}})});
    CHECK(yaml(to_yaml(map)) == map);
  }
  for (const Value& value : {Value(), Value(false), Value(-3), Value(1e-7), Value::map(),
                             Value::list(), Value(Value::List{Value::list(), Value()})}) {
    CHECK(yaml(to_yaml(value)) == value);
  }
  const Value wide = Value::map({{"a", Value(std::vector<double>(60, 0.123456))}});
  CHECK(yaml(to_yaml(wide)) == wide);
  CHECK(to_yaml(wide).find("a:\n  - 0.123456\n") == 0);
}
