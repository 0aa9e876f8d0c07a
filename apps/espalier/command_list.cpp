#include <fmt/format.h>

#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/explanation.h"
#include "display/text.h"
#include "espalier/compress/config/nearest.h"
#include "plugin_option.h"
#include "topics.h"

namespace espalier::app {
namespace {

const Usage usage = {
    .command = "list",
    .positional = "[algorithms|models|layers|optimizers|schedules|datasets]",
    .description =
        "The names that a configuration may use, with a line for each; without an argument\n"
        "just the names. 'espalier explain' tells more of one.",
    .options = {plugin_option(), {"json", "", "one JSON object instead of a table"}},
    .examples =
        "  espalier list\n"
        "  espalier list algorithms\n"
        "  espalier list algorithms --plugin ./my_pruner.so --json\n"};

std::string names_of(const TopicGroup& group) {
  std::string names;
  for (const Topic& topic : group.topics) names += (names.empty() ? "" : ", ") + topic.name;
  return names;
}

std::vector<TopicGroup> chosen(std::vector<TopicGroup> groups, const std::string& name) {
  std::vector<std::string> names;
  for (TopicGroup& group : groups) {
    if (group.name == name) return {std::move(group)};
    names.push_back(group.name);
  }
  throw UsageError(
      fmt::format("there is no list of '{}'{}", name, compress::mean_or_there_are(name, names)));
}

}  // namespace

int list(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->positional.size() > 1)
    throw UsageError("list takes one word at a time; see 'espalier list --help'");
  compress::Registry registry = compress::Registry::with_builtin();
  load_plugins(*arguments, registry);

  std::vector<TopicGroup> groups = topic_groups(registry);
  if (!arguments->positional.empty())
    groups = chosen(std::move(groups), arguments->positional.front());
  if (arguments->has("json")) {
    fmt::print("{}\n", to_json(groups));
  } else if (groups.size() == 1) {
    fmt::print("{}", to_text(groups.front()));
  } else {
    for (const TopicGroup& group : groups) fmt::print("{}", labelled(group.name, names_of(group)));
    fmt::print("\n{}", labelled("more", "espalier list algorithms, espalier explain " +
                                            registry.entries().front().name));
  }
  return 0;
}

}  // namespace espalier::app
