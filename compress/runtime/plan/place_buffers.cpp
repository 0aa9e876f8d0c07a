#include "espalier/compress/runtime/plan/place_buffers.h"

namespace espalier::runtime {
namespace {

/// What the buffers of a chunk of samples should fit into: a part of a second-level cache.
constexpr int64_t cache_bytes = 512 << 10;
constexpr int32_t largest_chunk = 64;

}  // namespace

void place_buffers(Plan& plan) {
  for (int32_t s = 0; s < plan.step_count; ++s) {
    const Step& step = plan.steps[s];
    for (const int32_t used : {step.input, step.second, step.output}) {
      if (used >= 0 && plan.buffers[used].last_used_by < s) plan.buffers[used].last_used_by = s;
    }
  }
  plan.buffers[plan.output].last_used_by = plan.step_count;
  plan.buffers[plan.input].made_by = 0;
  for (int32_t b = 0; b < plan.buffer_count; ++b) {
    Buffer& mine = plan.buffers[b];
    bool moved = true;
    mine.offset = 0;
    while (moved) {
      moved = false;
      for (int32_t a = 0; a < b; ++a) {
        const Buffer& other = plan.buffers[a];
        const bool meet = other.last_used_by >= mine.made_by && mine.last_used_by >= other.made_by;
        if (meet && mine.offset < other.offset + other.bytes &&
            other.offset < mine.offset + mine.bytes) {
          mine.offset = other.offset + other.bytes;
          moved = true;
        }
      }
    }
    if (mine.offset + mine.bytes > plan.sample_bytes) plan.sample_bytes = mine.offset + mine.bytes;
  }
  const int64_t fitting = cache_bytes / plan.sample_bytes;
  plan.chunk = static_cast<int32_t>(fitting < 1               ? 1
                                    : fitting > largest_chunk ? largest_chunk
                                                              : fitting);
}

}  // namespace espalier::runtime
