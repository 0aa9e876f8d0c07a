#pragma once

#include <functional>
#include <string>
#include <vector>

#include "espalier/report/collect.h"

namespace espalier::app {

/// The page of one run or of several, in a file. \param options  what to collect
/// \returns what was written: `runs/lenet5/report.html, 412 kB`
/// \throws as `report::collect`, and Error when the file cannot be written
std::string write_report(const std::vector<std::string>& runs,
                         const report::CollectOptions& options, const std::string& file);

/// Where the report of runs goes if no file is named: into the one run's folder, or here.
std::string default_report(const std::vector<std::string>& runs);

}  // namespace espalier::app
