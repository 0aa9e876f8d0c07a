#include "display/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "display/text.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/scalar.h"

namespace espalier::app {
namespace {

using compress::OptionInfo;
using compress::Value;
using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string default_text(const Value& value) {
  if (value.is_number()) return compress::number_text(value.as_number());
  if (!value.is_list()) return value.is_map() ? "a map" : scalar_text(value);
  std::vector<std::string> items;
  for (const Value& item : value.as_list()) items.push_back(default_text(item));
  return items.size() == 1 ? items.front() : "[" + joined(items) + "]";
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// The option's explanation with a capital and a full stop, however it was written.
std::string sentence(const OptionInfo& option) {
  const std::string& text = option.help;
  if (text.empty()) return text;
  // A first word such as `end_epoch` is a name.
  const bool name = text.substr(0, text.find(' ')).find('_') != std::string::npos;
  return (name ? text : capital(text)) + (text.back() == '.' ? "" : ".");
}

std::string allowed_text(const OptionInfo& option) {
  return option.allowed.empty() ? "see the text" : option.allowed;
}

std::string presence_text(const OptionInfo& option) {
  if (option.fallback) return "default " + default_text(*option.fallback);
  return option.required ? "required" : "";
}

std::string option_lines(const std::vector<OptionInfo>& options) {
  int width = 0;
  for (const OptionInfo& option : options) width = std::max(width, columns(option.key));
  const int indent = width + 4;
  std::string text;
  for (const OptionInfo& option : options) {
    std::string more = presence_text(option);
    if (!option.condition.empty()) more += (more.empty() ? "" : ", ") + option.condition;
    text += wrapped(padded_right("  " + option.key, indent), indent,
                    allowed_text(option) + (more.empty() ? "" : " (" + more + ")"));
    if (!option.help.empty())
      text += wrapped(std::string(static_cast<size_t>(indent), ' '), indent, sentence(option));
  }
  return text;
}

Json json_of(const Value& value) {
  if (value.is_boolean()) return value.as_boolean();
  if (value.is_integer()) return value.as_integer();
  if (value.is_number()) return value.as_number();
  if (value.is_text()) return value.as_text();
  if (!value.is_list()) return nullptr;
  Json list = Json::array();
  for (const Value& item : value.as_list()) list.push_back(json_of(item));
  return list;
}

std::string_view type_name(OptionInfo::Kind kind) {
  using Kind = OptionInfo::Kind;
  switch (kind) {
    case Kind::boolean:
      return "boolean";
    case Kind::integer:
      return "integer";
    case Kind::number:
      return "number";
    case Kind::text:
      return "text";
    case Kind::choice:
      return "choice";
    case Kind::integers:
      return "integers";
    case Kind::numbers:
      return "numbers";
    case Kind::strings:
      return "strings";
    case Kind::any:
      break;
  }
  return "any";
}

Json json_of(const std::vector<OptionInfo>& options) {
  Json list = Json::array();
  for (const OptionInfo& option : options) {
    Json json = {{"key", option.key},
                 {"type", type_name(option.kind)},
                 {"allowed", option.allowed},
                 {"required", option.required}};
    if (option.fallback) json["default"] = json_of(*option.fallback);
    if (!option.choices.empty()) json["choices"] = option.choices;
    if (option.min) json["minimum"] = *option.min;
    if (option.above) json["above"] = *option.above;
    if (option.max) json["maximum"] = *option.max;
    if (option.below) json["below"] = *option.below;
    if (!option.condition.empty()) json["condition"] = option.condition;
    json["help"] = sentence(option);
    list.push_back(std::move(json));
  }
  return list;
}

Json json_of(const Topic& topic) {
  Json json = {{"name", topic.name}, {"kind", topic.kind}, {"description", topic.description}};
  if (!topic.paper.empty()) json["paper"] = topic.paper;
  return json;
}

/// Text in a table, with nothing that Markdown would read as a sign.
std::string cell(const std::string& text) {
  constexpr std::string_view signs = "|*\\<";
  std::string result;
  for (const char c : text) {
    if (signs.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string markdown_table(const std::vector<OptionInfo>& options) {
  std::string table = "| option | value | default | what it says |\n|---|---|---|---|\n";
  for (const OptionInfo& option : options) {
    std::string value = allowed_text(option);
    if (!option.condition.empty()) value += ", " + option.condition;
    const std::string standard =
        option.fallback ? default_text(*option.fallback) : (option.required ? "required" : "–");
    table += fmt::format("| `{}` | {} | {} | {} |\n", option.key, cell(value), cell(standard),
                         cell(sentence(option)));
  }
  return table;
}

std::string markdown_section(const Explanation& explanation) {
  const Topic& topic = explanation.topic;
  std::string text =
      fmt::format("\n## {}\n\n{}: {}.", topic.name, capital(topic.kind), topic.description);
  if (!explanation.explanation.empty()) text += "\n\n" + explanation.explanation;
  if (!topic.paper.empty()) text += "\n\nPaper: " + topic.paper + ".";
  if (!explanation.aliases.empty()) text += "\n\nAlso: " + joined(explanation.aliases) + ".";
  text += "\n\n";
  if (!explanation.options.options.empty())
    text += markdown_table(explanation.options.options) + "\n";
  return text + "```yaml\n" + explanation.example + "```\n";
}

/// As they were typed, 0.1 and not 0.10000000149.
Json json_of(const std::vector<float>& numbers) {
  Json list = Json::array();
  for (const float number : numbers) list.push_back(std::stod(fmt::format("{}", number)));
  return list;
}

/// `0.1,-0.4`: what `--with` would be given.
std::string typed(const std::vector<float>& numbers) {
  std::string text;
  for (const float number : numbers) text += fmt::format("{}{}", text.empty() ? "" : ",", number);
  return text;
}

/// The steps of the worked example, or why there are none: an algorithm of somebody's plugin may
/// not bear to be attached to a layer of a few weights.
std::string worked_section(const compress::WorkedExample& worked) {
  std::string text = "\nworked example, --with " + typed(worked.numbers) + ":\n\n";
  try {
    return text + indented(worked.work(worked.numbers), 2);
  } catch (const Error& error) {
    return text + wrapped("  ", 2, std::string("cannot be worked: ") + error.what());
  }
}

Json json_of(const compress::WorkedExample& worked) {
  Json json = {{"numbers", json_of(worked.numbers)}, {"what", worked.what}};
  try {
    json["steps"] = worked.work(worked.numbers);
  } catch (const Error& error) {
    json["error"] = error.what();
  }
  return json;
}

}  // namespace

std::string to_text(const Explanation& explanation) {
  const Topic& topic = explanation.topic;
  std::string text = fmt::format("{}\n\n", topic.name);
  text += labelled(topic.kind, topic.description);
  if (!topic.paper.empty()) text += labelled("paper", topic.paper);
  if (!explanation.aliases.empty()) text += labelled("also", joined(explanation.aliases));
  if (!explanation.explanation.empty()) text += "\n" + wrapped("", 0, explanation.explanation);
  text += fmt::format("\noptions{}:\n", explanation.chooses_layers ? " of a rule" : "");
  const std::vector<OptionInfo>& options = explanation.options.options;
  text += options.empty() ? "  none\n" : option_lines(options);
  if (!explanation.options.gap.empty()) {
    text += "\n" + wrapped("", 0,
                           "There may be more: reading a rule without options ended in '" +
                               explanation.options.gap + "'");
  }
  if (explanation.chooses_layers)
    text += "\noptions that choose layers:\n" + option_lines(compress::selector_options());
  if (explanation.worked) text += worked_section(*explanation.worked);
  return text + "\nexample:\n" + indented(explanation.example, 2);
}

std::string to_json(const Explanation& explanation) {
  Json json = json_of(explanation.topic);
  if (!explanation.explanation.empty()) json["explanation"] = explanation.explanation;
  if (!explanation.aliases.empty()) json["aliases"] = explanation.aliases;
  json["options"] = json_of(explanation.options.options);
  if (!explanation.options.gap.empty()) json["gap"] = explanation.options.gap;
  if (explanation.chooses_layers) json["layer_options"] = json_of(compress::selector_options());
  json["example"] = explanation.example;
  if (explanation.worked) json["worked_example"] = json_of(*explanation.worked);
  return json.dump(2);
}

std::string worked_json(const Explanation& explanation, const std::vector<float>& numbers,
                        const std::string& steps) {
  const Json json = {
      {"name", explanation.topic.name}, {"numbers", json_of(numbers)}, {"steps", steps}};
  return json.dump(2);
}

std::string to_markdown(const std::vector<Explanation>& explanations) {
  std::string text =
      "# Options\n\nWhat `espalier explain` says of each algorithm, optimizer and schedule, "
      "written "
      "by `scripts/document-options`.\nHow they stand in a file: [configuration.md]"
      "(configuration.md).\n\n## Which layers a rule is for\n\nThese options are the same in the "
      "rules of every algorithm.\n\n" +
      markdown_table(compress::selector_options());
  for (const Explanation& explanation : explanations) text += markdown_section(explanation);
  return text;
}

std::string to_json(const std::vector<TopicGroup>& groups) {
  Json json = Json::object();
  for (const TopicGroup& group : groups) {
    Json topics = Json::array();
    for (const Topic& topic : group.topics) topics.push_back(json_of(topic));
    json[group.name] = std::move(topics);
  }
  return json.dump(2);
}

std::string to_text(const TopicGroup& group) {
  // Where all are of one kind, its name says nothing.
  const bool kinds = std::any_of(group.topics.begin(), group.topics.end(), [&](const Topic& topic) {
    return topic.kind != group.topics.front().kind || group.name == "algorithms";
  });
  int name_width = 0, kind_width = 0;
  for (const Topic& topic : group.topics) {
    name_width = std::max(name_width, columns(topic.name) + 2);
    if (kinds) kind_width = std::max(kind_width, columns(topic.kind) + 2);
  }
  const int indent = name_width + kind_width;
  std::string text;
  for (const Topic& topic : group.topics) {
    text += wrapped(
        padded_right(topic.name, name_width) + padded_right(kinds ? topic.kind : "", kind_width),
        indent, topic.description);
    if (!topic.paper.empty())
      text += wrapped(std::string(static_cast<size_t>(indent), ' '), indent, topic.paper);
  }
  return text;
}

}  // namespace espalier::app
