#pragma once

#include <string>

#include "arguments.h"
#include "espalier/experiment/recorded_run.h"

namespace espalier::app {

/// \throws UsageError when there is no run in the folder
void check_holds_run(const std::string& folder);

/// The run in a folder, with its weights; its pictures are where `--data` says or where they were.
/// \throws UsageError when there is no run in the folder, or `--data` makes no sense; Error when it
/// has no weights yet
experiment::RecordedRun open_run(const Usage& usage, const Arguments& arguments,
                                 const std::string& folder);

/// The one RUN that a command takes. \throws UsageError when there is none, or more
const std::string& the_run(const Usage& usage, const Arguments& arguments);

}  // namespace espalier::app
