#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <memory>
#include <string_view>

#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/scalar.h"

namespace espalier::app {
namespace {

/// The first word that looks like an option and is none, with the nearest one; or "".
std::string unknown_option(const Usage& usage, int argc, char** argv) {
  std::vector<std::string> known = {"help"};
  for (const Option& option : usage.options) known.push_back(option.name);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") break;
    if (!word.starts_with("--")) continue;
    const std::string name(word.substr(2, word.find('=') - 2));
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = compress::nearest(name, known);
    return fmt::format("there is no option '--{}'; {}", name,
                       near.empty() ? fmt::format("see 'espalier {} --help'", usage.command)
                                    : "did you mean '--" + near + "'?");
  }
  return "";
}

/// cxxopts' messages with our quotation marks.
std::string plain_quotes(std::string text) {
  for (const std::string_view mark : {"‘", "’"}) {
    for (size_t at; (at = text.find(mark)) != std::string::npos;)
      text.replace(at, mark.size(), "'");
  }
  return text;
}

}  // namespace

std::optional<Arguments> parse(const Usage& usage, int argc, char** argv) {
  const std::string program = "espalier " + usage.command;
  cxxopts::Options options(program, usage.description + "\n");
  options.custom_help(usage.positional + (usage.positional.empty() ? "[options]" : " [options]"));
  options.set_width(80);
  auto add = options.add_options();
  for (const Option& option : usage.options) {
    const std::string names =
        option.letter ? fmt::format("{},{}", option.letter, option.name) : option.name;
    if (option.value.empty()) {
      add(names, option.help);
    } else {
      add(names, option.help, cxxopts::value<std::string>(), option.value);
    }
  }
  add("h,help", "this text");

  Arguments arguments;
  try {
    const cxxopts::ParseResult result = options.parse(argc, argv);
    if (result.count("help") > 0) {
      fmt::print("{}\nExamples:\n{}", options.help(), usage.examples);
      return std::nullopt;
    }
    for (const Option& option : usage.options) {
      if (result.count(option.name) == 0) continue;
      arguments.values[option.name] =
          option.value.empty() ? "" : result[option.name].as<std::string>();
      for (const cxxopts::KeyValue& each : result.arguments()) {
        if (option.several && each.key() == option.name)
          arguments.lists[option.name].push_back(each.value());
      }
    }
    arguments.positional = result.unmatched();
  } catch (const cxxopts::exceptions::exception& error) {
    const std::string unknown = unknown_option(usage, argc, argv);
    if (!unknown.empty()) throw UsageError(unknown);
    throw UsageError(fmt::format("{}; see '{} --help'", plain_quotes(error.what()), program));
  }
  return arguments;
}

compress::Value option_value(const Arguments& arguments, const std::string& option) {
  compress::Value value = compress::plain_scalar(arguments.values.at(option));
  value.set_position({std::make_shared<const std::string>("--" + option), 0, 0});
  return value;
}

std::string command_line(const Usage& usage, const Arguments& arguments) {
  const auto quoted = [](const std::string& word) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=@%+";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  };
  std::string line = "espalier " + usage.command;
  for (const std::string& word : arguments.positional) line += " " + quoted(word);
  for (const auto& [option, value] : arguments.values) {
    const auto list = arguments.lists.find(option);
    for (const std::string& each :
         list == arguments.lists.end() ? std::vector<std::string>{value} : list->second) {
      line += " --" + option;
      if (!each.empty()) line += " " + quoted(each);
    }
  }
  return line;
}

}  // namespace espalier::app
