#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/compressor.h"

namespace espalier::compress {

/// What each rule of an attached compressor came to, one line for each, in order:
///
///     rule 1: conv1, fc1
///     rule 2 excludes fc2
///     rule 3 is overridden by later rules
///     rule 4: fc3 (by filter)
///
/// When no layer is left, the last line ends in `: nothing is left to prune`. Without rules there
/// is one line, the layers alone. Of many layers the first are named and the rest are counted.
std::vector<std::string> summarise_rules(const Compressor& compressor);

/// A sentence for each rule whose schedule is not through when a training of this length ends: when
/// it would be, where it stands at the end, and what fits. The compressor is attached when the
/// training begins.
std::vector<std::string> unfinished_schedules(const Compressor& compressor, int64_t epochs,
                                              int64_t steps_per_epoch);

}  // namespace espalier::compress
