#include <fmt/format.h>

#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/explanation.h"
#include "espalier/compress/plugin.h"
#include "topics.h"

namespace espalier::app {
namespace {

const Usage usage = {
    .command = "explain",
    .positional = "NAME",
    .description =
        "What an algorithm, an optimizer or a schedule does, its options with what they may\n"
        "be, their defaults and a sentence each, and an example for a configuration.",
    .options = {{"plugin", "FILE", "shared library with further algorithms"},
                {"json", "", "one JSON object instead of text"},
                {"markdown", "", "everything at once, as a page of documentation; no NAME"}},
    .examples =
        "  espalier explain AGPruner\n"
        "  espalier explain SGD\n"
        "  espalier explain TopRows --plugin ./my_pruner.so\n"
        "  espalier explain --markdown > options.md\n"};

}  // namespace

int explain(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::vector<std::string>& names = arguments->positional;
  const bool page = arguments->has("markdown");
  if (page && (!names.empty() || arguments->has("json")))
    throw UsageError("--markdown explains everything in one form; leave the rest out");
  if (!page && names.size() != 1) {
    throw UsageError(
        fmt::format("explain needs one NAME, not {}; see 'espalier list' for names", names.size()));
  }
  compress::Registry registry = compress::Registry::with_builtin();
  if (arguments->has("plugin")) load_plugin(arguments->values.at("plugin"), registry);

  if (page) {
    fmt::print("{}", to_markdown(explain_all(registry)));
    return 0;
  }
  const Explanation explanation = explain_one(registry, names.front());
  if (arguments->has("json")) {
    fmt::print("{}\n", to_json(explanation));
  } else {
    fmt::print("{}", to_text(explanation));
  }
  return 0;
}

}  // namespace espalier::app
