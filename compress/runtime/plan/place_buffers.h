#pragma once

#include "espalier/compress/runtime/plan/plan.h"

namespace espalier::runtime {

/// Gives each buffer the lowest place in the arena that is free while it lives, from the step that
/// makes it to the last that reads it, and decides how many samples go through the steps together.
void place_buffers(Plan& plan);

}  // namespace espalier::runtime
