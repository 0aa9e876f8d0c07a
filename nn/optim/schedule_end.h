#pragma once

#include <cstdint>
#include <string>

namespace espalier::nn {

/// What times are counted in, always from 0: epochs, or optimizer steps over the whole training.
/// Learning rates, compressors and distillation are scheduled on this one clock.
enum class TimeUnit { epoch, step };

/// `epoch` or `step`.
const char* name_of(TimeUnit unit);

/// How many epochs a training must have at least for a time to come.
int64_t epochs_to_reach(int64_t time, TimeUnit unit, int64_t steps_per_epoch);

/// The optimizer step, from 0, with which a time begins.
inline int64_t step_of(int64_t time, TimeUnit unit, int64_t steps_per_epoch) {
  return unit == TimeUnit::epoch ? time * steps_per_epoch : time;
}

/// Something that a plan for a training has in it.
struct ScheduleEvent {
  int64_t step;      ///< optimizer steps done before, over all epochs
  std::string what;  ///< "the warm-up ends"
};

/// When something scheduled is through, and where a training that is too short leaves it.
struct ScheduleEnd {
  std::string who;      ///< "schedule multi_step"
  int64_t epochs;       ///< of the shortest training that completes it
  std::string goal;     ///< what it reaches then: "its last learning rate"
  std::string reached;  ///< where it stands at the end of the training: "the factor is 0.1"
  std::string remedy;   ///< what fits the training: "set end_epoch to 5"
};

/// The warning for a training of so many epochs; empty if it is long enough.
std::string unfinished(const ScheduleEnd& end, int64_t epochs);

}  // namespace espalier::nn
