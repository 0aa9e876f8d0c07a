#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "espalier/report/report_data.h"

namespace espalier::report {

struct CollectOptions {
  /// Where the pictures are; nothing: where the run had them, or its configuration says.
  std::optional<std::string> data_dir = {};
  /// How long to measure the time of one picture, for each network; 0: not at all.
  double latency_seconds = 0.5;
  /// Test pictures that are answered by both networks; 0: all of them.
  int64_t pictures = 0;
  /// How many of those that are lost to show.
  int64_t lost = 24;
  /// Is told what comes, one line each: `runs/lenet5: asking both networks`.
  std::function<void(const std::string&)> on_progress = {};
};

/// Everything that there is to tell of the run in this folder. What is not to be had (no data on
/// this machine, no dense network to compare with, a run that has not come so far) is left out and
/// said in `missing`.
/// \throws compress::ConfigError or Error when the folder holds no run
Run collect_run(const std::string& folder, const CollectOptions& options = {});

/// The same of several runs, in the order given.
/// \throws as `collect_run`
Report collect(const std::vector<std::string>& folders, const CollectOptions& options = {});

}  // namespace espalier::report
