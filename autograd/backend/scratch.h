#pragma once

#include "espalier/autograd/core/engine.h"

namespace espalier::backend {

/// Memory for `values` floats from the current engine, for the time of a kernel call.
inline Buffer scratch(int64_t values) {
  return Engine::current().buffers().take(static_cast<size_t>(values) * sizeof(float));
}

}  // namespace espalier::backend
