#include <fmt/format.h>

#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/explanation.h"
#include "espalier/autograd/core/error.h"
#include "number_list.h"
#include "plugin_option.h"
#include "topics.h"

namespace espalier::app {
namespace {

const Usage usage = {
    .command = "explain",
    .positional = "NAME",
    .description =
        "What an algorithm, an optimizer or a schedule does, its options with what they may\n"
        "be, their defaults and a sentence each, and an example for a configuration. Of an\n"
        "algorithm also an example worked by hand: --with works it for numbers of yours, and\n"
        "shows nothing else.",
    .options = {{"with", "NUMBERS", "work the example for these, such as 0.1,-0.4"},
                plugin_option(),
                {"json", "", "one JSON object instead of text"},
                {"markdown", "", "everything at once, as a page of documentation; no NAME"}},
    .examples =
        "  espalier explain AGPruner\n"
        "  espalier explain AGPruner --with 0.1,-0.4,0.05,0.9\n"
        "  espalier explain SGD\n"
        "  espalier explain TopRows --plugin ./my_pruner.so\n"
        "  espalier explain --markdown > options.md\n"};

/// What `--with` shows: the example of an algorithm, for the numbers of the command line.
void work_example(const Explanation& explanation, const Arguments& arguments) {
  if (!explanation.worked) {
    throw UsageError(
        fmt::format("--with works the example of an algorithm; {} is of the kind '{}', which has "
                    "none (see 'espalier list algorithms')",
                    explanation.topic.name, explanation.topic.kind));
  }
  const std::vector<float> numbers = number_list("--with", arguments.values.at("with"));
  std::string steps;
  try {
    steps = explanation.worked->work(numbers);
  } catch (const Error& error) {
    throw UsageError(
        fmt::format("--with: {} (it takes {})", error.what(), explanation.worked->what));
  }
  fmt::print("{}", arguments.has("json") ? worked_json(explanation, numbers, steps) + "\n" : steps);
}

}  // namespace

int explain(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::vector<std::string>& names = arguments->positional;
  const bool page = arguments->has("markdown");
  if (page && (!names.empty() || arguments->has("json") || arguments->has("with")))
    throw UsageError("--markdown explains everything in one form; leave the rest out");
  if (!page && names.size() != 1) {
    throw UsageError(
        fmt::format("explain needs one NAME, not {}; see 'espalier list' for names", names.size()));
  }
  compress::Registry registry = compress::Registry::with_builtin();
  load_plugins(*arguments, registry);

  if (page) {
    fmt::print("{}", to_markdown(explain_all(registry)));
    return 0;
  }
  const Explanation explanation = explain_one(registry, names.front());
  if (arguments->has("with")) {
    work_example(explanation, *arguments);
  } else if (arguments->has("json")) {
    fmt::print("{}\n", to_json(explanation));
  } else {
    fmt::print("{}", to_text(explanation));
  }
  return 0;
}

}  // namespace espalier::app
