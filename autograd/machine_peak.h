#pragma once

namespace espalier {

/// Multiplications and additions a second that the current engine's threads reach at best, with its
/// instruction set: measured for about a tenth of a second, on values that stay in registers.
double measured_peak();

}  // namespace espalier
