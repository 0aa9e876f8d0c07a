#pragma once

#include <string>

#include "espalier/autograd/core/profile.h"

namespace espalier::experiment {

/// Writes the events of a profile as JSON in the trace event format, which https://ui.perfetto.dev
/// and chrome://tracing show on a time line. \throws Error if it cannot be written
void write_trace(const Profile& profile, const std::string& path);

}  // namespace espalier::experiment
