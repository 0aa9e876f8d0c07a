#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/runtime/runtime.h"

/// The runtime in the dialect of the rest of the library: exceptions, and memory without a limit.
namespace espalier::compress::file {

/// \throws Error unless the status is ok
inline void require(const runtime::Status& status) {
  if (!status.ok()) throw Error("runtime", status.message());
}

/// As much memory as the machine has, for files that whoever runs the program has chosen.
inline runtime::Options without_limits() {
  runtime::Options options;
  options.max_bytes = options.max_arena_bytes = std::numeric_limits<size_t>::max();
  return options;
}

/// The network in these bytes. \throws Error when they are none
inline runtime::Model loaded(const std::vector<uint8_t>& bytes) {
  runtime::Model model;
  require(runtime::load(bytes.data(), bytes.size(), without_limits(), model));
  return model;
}

}  // namespace espalier::compress::file
