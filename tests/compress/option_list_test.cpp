// What listings say of options, and that it is what algorithms do.
#include "espalier/compress/option_list.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/scalar.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/plugin.h"
#include "espalier/compress/pruner.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Catch::Equals;
using Kind = OptionInfo::Kind;

namespace {

/// `key: allowed (default), condition`, a line each.
std::string lines_of(const std::vector<OptionInfo>& options) {
  std::string text;
  for (const OptionInfo& option : options) {
    text += option.key + ": " + option.allowed;
    if (option.required) text += " required";
    if (option.fallback) text += " =" + scalar_text(*option.fallback);
    text += (option.condition.empty() ? "" : ", " + option.condition) + "\n";
  }
  return text;
}

std::string lines_of(const std::function<void(MapReader&)>& read) {
  const OptionList list = describe_options(read, "test");
  return lines_of(list.options) + (list.gap.empty() ? "" : "gap: " + list.gap);
}

/// The library's algorithms, and one of a user.
Registry all_algorithms() {
  Registry registry = Registry::with_builtin();
  load_plugin(ESPALIER_TOP_ROWS_PLUGIN, registry);
  return registry;
}

/// Attaches the algorithm with this rule, as it stands in a file `f`.
std::string error_of(const Registry& registry, const std::string& name, const Value& rule) {
  const Value sections = Value::map({{name, Value::map({{"config", {rule}}})}});
  nn::Sequential net = four_layers();
  try {
    for (const auto& compressor : registry.make_all(parse_yaml(to_yaml(sections), "f")))
      (*compressor)(net, {8, 8, 1});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

/// The first rule of the algorithm's example.
Value example_rule(const Registry::Entry& algorithm) {
  const Value sections = parse_yaml(example_section(algorithm), "example");
  const Value rules = *sections.find(algorithm.name)->find("config");
  return rules.is_list() ? rules.as_list().front() : rules;
}

/// A rule with nothing but what is required.
Value required_rule(const std::vector<OptionInfo>& options) {
  Value rule = Value::map();
  for (const OptionInfo& option : options) {
    if (option.required && !option.condition.starts_with("with "))
      rule.set(option.key, sample_value(option));
  }
  return rule;
}

Value with(Value rule, const std::string& key, const Value& value) {
  rule.set(key, value);
  return rule;
}

/// A rule that takes layers out, so that it need not be complete, and has what the condition of the
/// option says: "with unit: step and x or y".
Value excluding_rule(const OptionInfo& option, const std::vector<OptionInfo>& all) {
  Value rule = Value::map({{"prune", false}});
  if (!option.condition.starts_with("with ")) return rule;
  std::string settings = option.condition.substr(5);
  settings = settings.substr(0, settings.find(" or "));
  for (size_t end; !settings.empty();
       settings = end == std::string::npos ? "" : settings.substr(end + 5)) {
    end = settings.find(" and ");
    const std::string setting = settings.substr(0, end);
    const size_t colon = setting.find(": ");
    if (colon != std::string::npos) {
      rule.set(setting.substr(0, colon), plain_scalar(setting.substr(colon + 2)));
      continue;
    }
    for (const OptionInfo& other : all)
      if (other.key == setting) rule.set(setting, sample_value(other));
  }
  return rule;
}

/// Values that the option must refuse.
std::vector<Value> bad_values(const OptionInfo& option) {
  std::vector<Value> bad;
  const bool whole = option.kind == Kind::integer || option.kind == Kind::integers;
  const auto add = [&](double number) {
    bad.push_back(whole ? Value(static_cast<int64_t>(number)) : Value(number));
  };
  switch (option.kind) {
    case Kind::integer:
    case Kind::integers:
      bad.emplace_back(1.5);
      [[fallthrough]];
    case Kind::number:
    case Kind::numbers:
      bad.emplace_back("many");
      if (option.min) add(*option.min - 1);
      if (option.above) add(*option.above);
      if (option.max) add(*option.max + 1);
      if (option.below) add(*option.below);
      break;
    case Kind::choice:
    case Kind::boolean:
      bad.emplace_back("no-such-word");
      bad.emplace_back(3);
      break;
    default:
      break;
  }
  bad.push_back(Value::map({{"no_such_key", 1}}));
  return bad;
}

/// A key of a rule, changed.
Value renamed(const Value& rule, const std::string& from, const std::string& to) {
  Value result = Value::map();
  for (const Member& member : rule.as_map())
    result.set(member.key == from ? to : member.key, member.value);
  return result;
}

}  // namespace

TEST_CASE("a reader keeps what it was asked for", "[config]") {
  MapReader reader(parse_yaml("{b: 3, f: x}", "f"), "test");
  reader.number("a", {.min = 0, .below = 1, .fallback = 0.5, .help = "A part."});
  reader.integer("b", {.min = 1, .max = 9});
  reader.boolean("c", true, "Whether.");
  reader.choice("d", {"x", "y"}, "y", "Which.");
  reader.text("e", "name", "Who.");
  reader.strings("f", {}, "All.");
  reader.numbers("g", {.above = 0, .help = "Each."}, std::vector<double>{1, 2});
  reader.find("h", "Anything.");
  reader.find("i", {.allowed = "a or b", .fallback = "a", .help = "One."});
  reader.finish();
  const std::vector<OptionInfo>& options = reader.options();
  REQUIRE(options.size() == 9);
  const auto is = [&](size_t i, Kind kind, const std::string& allowed, bool required,
                      const std::string& help) {
    INFO(options[i].key);
    CHECK(options[i].kind == kind);
    CHECK(options[i].allowed == allowed);
    CHECK(options[i].required == required);
    CHECK(options[i].help == help);
  };
  is(0, Kind::number, "a number in [0, 1)", false, "A part.");
  CHECK(options[0].fallback == Value(0.5));
  CHECK(options[0].min == 0);
  CHECK(options[0].below == 1);
  is(1, Kind::integer, "an integer in [1, 9]", true, "");
  CHECK(options[1].max == 9);
  is(2, Kind::boolean, "true or false", false, "Whether.");
  is(3, Kind::choice, "one of x, y", false, "Which.");
  CHECK(options[3].choices == std::vector<std::string>{"x", "y"});
  is(4, Kind::text, "text", false, "Who.");
  is(5, Kind::strings, "a word or a list of words", true, "All.");
  is(6, Kind::numbers, "a number above 0, or a list of such", false, "Each.");
  CHECK(options[6].fallback == Value{1.0, 2.0});
  is(7, Kind::any, "", false, "Anything.");
  is(8, Kind::any, "a or b", false, "One.");
  CHECK(options[8].fallback == Value("a"));
}

TEST_CASE("a key that is looked for and then read is one option", "[config]") {
  MapReader reader(Value::map(), "test");
  reader.find("frequency", {.allowed = "a number of updates, or once", .help = "How often."});
  reader.integer("frequency", {.min = 1, .fallback = 16, .help = "Another sentence."});
  CHECK_FALSE(reader.has("frequency"));
  REQUIRE(reader.options().size() == 1);
  const OptionInfo& option = reader.options().front();
  CHECK(option.kind == Kind::integer);
  CHECK(option.allowed == "a number of updates, or once");
  CHECK(option.help == "How often.");
  CHECK(option.fallback == Value(16));
  CHECK_FALSE(option.required);
}

TEST_CASE("options are found that are asked for only with others", "[config]") {
  CHECK(lines_of([](MapReader& reader) {
          const std::string unit = reader.choice("unit", {"epoch", "step"}, "epoch");
          reader.integer("end_" + unit, {.min = 1});
          reader.number("rate", {.fallback = 0.5});
        }) ==
        "unit: one of epoch, step =epoch\n"
        "end_epoch: an integer of at least 1 required, not with unit: step\n"
        "rate: a number =0.5\n"
        "end_step: an integer of at least 1 required, with unit: step\n");
  // A choice that is there only with another, and one option with several of its words.
  CHECK(lines_of([](MapReader& reader) {
          if (!reader.boolean("groups", false)) return;
          const std::string by = reader.choice("by", {"row", "block", "tile"}, "row");
          if (by != "row") reader.integer("size", {.min = 1});
        }) ==
        "groups: true or false =false\n"
        "by: one of row, block, tile =row, with groups: true\n"
        "size: an integer of at least 1 required, with groups: true and by: block or groups: true "
        "and by: tile\n");
  // What is only looked for is read as a number once it is there, and asks for more then.
  CHECK(lines_of([](MapReader& reader) {
          if (reader.has("goal")) {
            if (reader.has("level")) reader.fail("goal", "cannot be given together with level");
            reader.number("goal", {.min = 0, .below = 1});
            reader.number("drop", {.above = 0, .fallback = 0.5});
          } else {
            reader.number("level", {.above = 0});
          }
        }) ==
        "goal: a number in [0, 1)\n"
        "level: a number above 0 required, not with goal\n"
        "drop: a number above 0 =0.5, with goal\n");
}

TEST_CASE("a reading that needs options is listed as far as it goes", "[config]") {
  CHECK_THAT(
      lines_of([](MapReader& reader) {
        reader.number("first", {.fallback = 1});
        if (reader.require("list").as_list().empty()) return;
        reader.number("second");
      }),
      Contains("first: a number =1.0\nlist:  required\ngap: [config] ") && !Contains("second"));
  const auto strict = [](MapReader& reader) {
    reader.boolean("flag", false);
    if (reader.boolean("other", false)) reader.fail("other", "must be false");
    reader.number("last", {.fallback = 1});
  };
  // What goes wrong with another value is that value's matter.
  CHECK(lines_of(strict) ==
        "flag: true or false =false\nother: true or false =false\nlast: a number =1.0\n");
}

TEST_CASE("samples are values that options take", "[config]") {
  const auto check = [](const std::function<void(MapReader&)>& read) {
    for (const OptionInfo& option : describe_options(read, "test").options) {
      MapReader reader(Value::map({{option.key, sample_value(option)}}), "test");
      CHECK_NOTHROW(read(reader));
    }
  };
  check([](MapReader& reader) { reader.number("x", {.min = 0, .below = 1}); });
  check([](MapReader& reader) { reader.number("x", {.above = 0, .below = 1e-3}); });
  check([](MapReader& reader) { reader.number("x", {.above = 5}); });
  check([](MapReader& reader) { reader.number("x", {.below = -5}); });
  check([](MapReader& reader) { reader.number("x"); });
  check([](MapReader& reader) { reader.integer("x", {.min = 3, .max = 3}); });
  check([](MapReader& reader) { reader.integer("x", {.min = 3, .max = 4}); });
  check([](MapReader& reader) { reader.integer("x", {.max = -3}); });
  check([](MapReader& reader) { reader.integers("x", {.min = 7}); });
  check([](MapReader& reader) { reader.strings("x"); });
  check([](MapReader& reader) { reader.text("x"); });
  check([](MapReader& reader) { reader.boolean("x"); });
  check([](MapReader& reader) { reader.choice("x", {"a", "b"}); });
  check([](MapReader& reader) { reader.integer("x", {.min = 1, .fallback = 16}); });
  CHECK(sample_value({.key = "x", .allowed = "a or 16", .fallback = Value("16")}) == Value(16));
}

TEST_CASE("the options of AGPruner are those of its page") {
  const Registry registry = Registry::with_builtin();
  const OptionList list = describe_options(*registry.find("AGPruner"));
  CHECK(list.gap.empty());
  const std::string lines = lines_of(list.options);
  CHECK_THAT(lines, Contains("masked_weights: one of zero, freeze, train =zero\n"));
  CHECK_THAT(lines, Contains("final_sparsity: a number in [0, 1) required\n"));
  CHECK_THAT(lines,
             Contains("end_epoch: an integer in [0, 1000000000] required, not with unit: step\n"));
  CHECK_THAT(lines,
             Contains("end_step: an integer in [0, 1000000000] required, with unit: step\n"));
  CHECK_THAT(lines, Contains("start_step: an integer in [0, 1000000000] =0, with unit: step\n"));
  CHECK_THAT(lines, !Contains("support_"));
  CHECK(algorithm_kind(*registry.find("AGPruner")) == "pruner");
}

TEST_CASE("the options that choose layers are listed once, with a sentence each") {
  std::string keys;
  for (const OptionInfo& option : selector_options()) {
    keys += option.key + " ";
    CHECK_FALSE(option.allowed.empty());
    CHECK_THAT(option.help, Catch::EndsWith("."));
    CHECK_FALSE(option.required);
  }
  CHECK(keys == "support_type support_layer support_op op_types op_names prune exclude ");
}

TEST_CASE("every algorithm of the library is explained, and its example works") {
  const Registry builtin = Registry::with_builtin();
  for (const Registry::Entry& algorithm : builtin.entries()) {
    INFO(algorithm.name);
    CHECK_FALSE(algorithm.description.empty());
    CHECK_FALSE(algorithm.explanation.empty());
    CHECK_FALSE(algorithm.example.empty());
    const OptionList list = describe_options(algorithm);
    CHECK(list.gap.empty());
    for (const OptionInfo& option : list.options) {
      INFO(option.key);
      CHECK_FALSE(option.help.empty());
      CHECK_FALSE(option.allowed.empty());
    }
  }
  const Registry registry = all_algorithms();
  for (const Registry::Entry& algorithm : registry.entries()) {
    INFO(algorithm.name);
    const Value sections = parse_yaml(example_section(algorithm), "example");
    nn::Sequential net = four_layers();
    for (const auto& compressor : registry.make_all(sections)) {
      (*compressor)(net, {8, 8, 1});
      CHECK(compressor->layers().size() + compressor->excluded().size() == 4);
    }
  }
}

TEST_CASE("an algorithm without an example gets one from its options") {
  const Registry registry = all_algorithms();
  CHECK(example_section(*registry.find("TopRows")) ==
        "TopRows:\n  config:\n    - {keep: 0.5, support_type: default}\n");
}

TEST_CASE("every option of every algorithm refuses what it says it does") {
  const Registry registry = all_algorithms();
  for (const Registry::Entry& algorithm : registry.entries()) {
    const std::vector<OptionInfo> options = describe_options(algorithm).options;
    const Value example = example_rule(algorithm);
    REQUIRE(error_of(registry, algorithm.name, example) == "no error");
    for (const OptionInfo& option : options) {
      for (const Value& bad : bad_values(option)) {
        INFO(algorithm.name << ", " << option.key << ": " << to_yaml(bad));
        std::vector<std::string> errors = {error_of(
            registry, algorithm.name, with(excluding_rule(option, options), option.key, bad))};
        // In a rule that is followed: the example or, as options may exclude each other, just what
        // is required.
        const bool always = option.condition.empty() && (option.required || option.fallback);
        const Value rule = example.find(option.key) ? example : required_rule(options);
        if (always)
          errors.push_back(error_of(registry, algorithm.name, with(rule, option.key, bad)));
        for (const std::string& error : errors) {
          CHECK_THAT(error, Catch::StartsWith("[config] f:"));
          CHECK_THAT(error, Contains(": " + option.key + " "));
          CHECK_THAT(error, Contains("(in " + algorithm.name + " rule 1)"));
          if (option.kind != Kind::any && !option.allowed.ends_with("of such"))
            CHECK_THAT(error, Contains("must be ") && !Contains("\n"));
        }
      }
    }
  }
}

TEST_CASE("every key that lacks a letter is an error that names the key") {
  const Registry registry = all_algorithms();
  for (const Registry::Entry& algorithm : registry.entries()) {
    std::vector<OptionInfo> options = describe_options(algorithm).options;
    for (const OptionInfo& option : selector_options()) options.push_back(option);
    const Value example = example_rule(algorithm);
    for (const OptionInfo& option : options) {
      std::string wrong = option.key;
      wrong.erase(wrong.size() / 2, 1);
      INFO(algorithm.name << ", " << wrong);
      const Value rule = with(excluding_rule(option, options), wrong, sample_value(option));
      const std::string excluded = error_of(registry, algorithm.name, rule);
      CHECK_THAT(excluded, Contains("unknown key '" + wrong + "' in " + algorithm.name +
                                    " rule 1; did you mean '" + option.key + "'?"));
      if (!example.find(option.key)) continue;
      const std::string used =
          error_of(registry, algorithm.name, renamed(example, option.key, wrong));
      CHECK_THAT(used, Contains("'" + option.key + "'") && Contains("'" + wrong + "'") &&
                           Contains(algorithm.name + " rule 1"));
    }
  }
}

TEST_CASE("every algorithm's name that lacks a letter is an error that names it") {
  const Registry registry = all_algorithms();
  for (const Registry::Entry& algorithm : registry.entries()) {
    std::string wrong = algorithm.name;
    wrong.erase(wrong.size() / 2, 1);
    CHECK_THAT(error_of(registry, wrong, Value::map()),
               Contains("f:1:1: there is no algorithm named '" + wrong + "'; did you mean '" +
                        algorithm.name + "'?"));
  }
}
