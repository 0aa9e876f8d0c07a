#pragma once

#include <cstdint>
#include <string>

#include "espalier/compress/compressor.h"

namespace espalier::compress {

/// When a rule begins, for whoever must tell that it never does.
struct LateStart {
  int64_t start;        ///< in epochs or optimizer steps
  bool by_epoch;        ///< which of them
  std::string key;      ///< "start_epoch"
  std::string goal;     ///< "its start"
  std::string reached;  ///< "nothing is quantized"
};

/// Whether a training of this length ends before it.
bool is_late(const LateStart& start, int64_t epochs, int64_t steps_per_epoch);
/// What `Compressor::schedule_ends` says of it then.
ScheduleEnd end_of(const LateStart& start, int rule, int64_t epochs, int64_t steps_per_epoch);

}  // namespace espalier::compress
