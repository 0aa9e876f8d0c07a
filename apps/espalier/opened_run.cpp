#include "opened_run.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/experiment/run_folder.h"
#include "mistaken_path.h"

namespace espalier::app {

const std::string& the_run(const Usage& usage, const Arguments& arguments) {
  if (arguments.positional.size() != 1) {
    throw UsageError(fmt::format("{0} needs one RUN, not {1}; see 'espalier {0} --help'",
                                 usage.command, arguments.positional.size()));
  }
  return arguments.positional.front();
}

experiment::RecordedRun open_run(const Usage& usage, const Arguments& arguments,
                                 const std::string& folder) {
  require_run(folder);
  experiment::RecordedRun run = experiment::read_run(folder);
  if (!run.has_weights)
    throw Error(
        usage.command,
        "'" + folder + "' has no model.safetensors: no epoch is finished, or the file was removed");
  if (arguments.has("data")) {
    if (run.config.data.name == "synthetic")
      throw UsageError("--data: synthetic data has no files");
    run.config.data.dir_here = arguments.values.at("data");
  } else if (const std::string dir = experiment::recorded_data_dir(folder); !dir.empty()) {
    run.config.data.dir_here = dir;
  }
  return run;
}

}  // namespace espalier::app
