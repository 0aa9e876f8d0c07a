#pragma once

#include "espalier/compress/runtime/plan/plan.h"
#include "espalier/compress/runtime/runtime.h"

namespace espalier::runtime {

/// Memory of one thread while it runs.
struct Arena {
  char* buffers;
  char* scratch;
  int64_t scratch_bytes;  ///< of one thread
  int32_t scratches;      ///< how many there are
  int32_t samples;        ///< of the chunk
  ThreadPool* pool;       ///< for the parts of one step; null: none
};

/// Where the samples of a buffer lie.
inline char* address(const Buffer& buffer, const Arena& arena) {
  return arena.buffers + buffer.offset * arena.samples +
         buffer.first_element * buffer.element_bytes;
}

/// Puts the border around the pictures of a buffer.
void fill_border(const Buffer& buffer, const Arena& arena);

void execute(const Plan& plan, const Arena& arena);

/// The steps that have no kernel of their own.
void apply_function(const Plan& plan, const Step& step, const Arena& arena);
void apply_conversion(const Plan& plan, const Step& step, const Arena& arena);

}  // namespace espalier::runtime
