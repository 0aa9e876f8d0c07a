#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "espalier/autograd/core/engine.h"

namespace espalier {

/// A borrowed callable `void(begin, end, part)`; it must not outlive the call it is passed to.
class RangeBody {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, RangeBody>)
      RangeBody(F&& body)  // NOLINT: a lambda is passed where a RangeBody is expected
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(body)))),
        call_([](void* object, int64_t begin, int64_t end, int part) {
          (*static_cast<std::remove_reference_t<F>*>(object))(begin, end, part);
        }) {}

  void operator()(int64_t begin, int64_t end, int part) const { call_(object_, begin, end, part); }

 private:
  void* object_;
  void (*call_)(void*, int64_t, int64_t, int);
};

/// Whether this thread is part of a team, and what it starts runs on it alone.
bool in_parallel();
/// The number of this thread in its team; 0 outside.
size_t place_in_team();

/// Into how many parts `parallel_parts` would cut `n` items: at most the current engine's threads,
/// each part at least `grain` items, and one inside a parallel region.
int parallel_part_count(int64_t n, int64_t grain);

/// Cuts [0, n) into `parallel_part_count(n, grain)` contiguous parts of nearly equal size and runs
/// `body(begin, end, part)` for each, one thread a part. Every element is visited by exactly one
/// part and the cut depends on `n`, `grain` and the thread count only, so results are repeatable.
/// An exception thrown by a part is thrown again on the calling thread.
void parallel_parts(int64_t n, int64_t grain, RangeBody body);

/// As `parallel_parts`, for bodies `body(begin, end)` that do not care which part they are.
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& body) {
  parallel_parts(n, grain, [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

/// While it lives, libraries that take their thread count from OpenMP (oneDNN) use `threads` when
/// called from this thread. Other threads of the program do not notice.
class TeamScope {
 public:
  explicit TeamScope(int threads);
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;

 private:
  int previous_;
};

/// While it lives, denormal numbers count as zero on this thread and on the current engine's team;
/// afterwards every thread has its previous setting back. Weights that decay towards zero would
/// otherwise make single operations a hundred times slower. A scope inside a scope costs nothing.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  int team_ = 0;                    // threads whose setting was changed; 0 for a nested scope
  unsigned previous_[max_threads];  // their settings before
};

}  // namespace espalier
