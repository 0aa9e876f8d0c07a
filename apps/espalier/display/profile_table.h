#pragma once

#include "espalier/autograd/core/profile.h"

namespace espalier::app {

/// How many events are worth keeping for a time line: some seconds of a small network's steps.
inline constexpr size_t trace_events = 100'000;

/// Prints what each layer spends on each kind of work, then each kind in all: milliseconds of a
/// step, share of the whole, and what the kernels reach of the machine's peak.
/// \param peak operations a second, see `measured_peak`
void print_profile(const Profile& profile, double peak);

/// Prints which kernels ran, a line for each layer that has a choice.
void print_kernel_table(const Profile& profile);

}  // namespace espalier::app
