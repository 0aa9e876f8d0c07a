#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/status_line.h"
#include "display/text.h"
#include "espalier/compress/config/map_reader.h"
#include "mistaken_path.h"
#include "opened_run.h"
#include "written_report.h"

namespace espalier::app {
namespace {

const Usage usage = {
    .command = "report",
    .positional = "RUN [RUN …]",
    .description =
        "Shows a run as a page for the browser, in one file that needs no network: curves,\n"
        "layers, masks, grids, mistakes, and how to train it again. Of several runs the\n"
        "page compares accuracy, size, curves and settings first.",
    .options = {{"out", "FILE", "the page (default: RUN/report.html; of several: report.html)",
                 'o'},
                {"data", "DIR", "where the files of the data set are"},
                {"seconds", "S", "how long to measure each network's speed (default: 0.5)"},
                {"no-latency", "", "measure no speed"}},
    .examples =
        "  espalier report runs/lenet5\n"
        "  espalier report runs/lenet5 --seconds 5 -o lenet5.html\n"
        "  espalier report runs/lenet5 runs/lenet5-int8 -o both.html\n"};

double read_seconds(const Arguments& arguments) {
  if (arguments.has("no-latency")) {
    if (arguments.has("seconds"))
      throw UsageError("--seconds says how long to measure, --no-latency not to; leave one out");
    return 0;
  }
  compress::Value given = compress::Value::map();
  if (arguments.has("seconds")) given.set("seconds", option_value(arguments, "seconds"));
  compress::MapReader reader(given, usage.command);
  return reader.number("seconds", {.above = 0, .max = 3600, .fallback = 0.5});
}

}  // namespace

int report(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::vector<std::string>& runs = arguments->positional;
  if (runs.empty())
    throw UsageError("report needs a RUN, or several; see 'espalier report --help'");
  for (const std::string& run : runs) require_run(run);
  StatusLine line;
  report::CollectOptions options;
  options.latency_seconds = read_seconds(*arguments);
  options.on_progress = [&line](const std::string& what) { line.draw(what); };
  if (arguments->has("data")) options.data_dir = arguments->values.at("data");
  const std::string file =
      arguments->has("out") ? arguments->values.at("out") : default_report(runs);
  for (const std::string& run : runs) require_not_of_run(file, run);
  require_folder_of(file);

  const std::string written = write_report(runs, options, file);
  line.clear();
  fmt::print("{}", labelled("report", written));
  return 0;
}

}  // namespace espalier::app
