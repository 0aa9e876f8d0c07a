#pragma once

#include <string>
#include <vector>

#include "espalier/experiment/recorded_run.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// What a run's algorithms were to do, and when.
struct Schedule {
  std::vector<Event> events;        ///< those that came while it was trained, in the order of time
  std::vector<std::string> pruned;  ///< names of the layers that pruners act on
};

/// Attaches the algorithms of a run to a new network of its own, and asks them; removals of
/// channels are taken from what was recorded. \param epochs  the run's, as far as it has come
/// \param missing  gets a sentence for an algorithm that cannot be asked
Schedule schedule_of(const std::string& folder, const experiment::RecordedRun& run,
                     const std::vector<experiment::EpochMetrics>& epochs,
                     std::vector<std::string>& missing);

}  // namespace espalier::report
