#include "espalier/compress/late_start.h"

namespace espalier::compress {
namespace {

/// The length of a training in the unit of the start.
int64_t times(const LateStart& start, int64_t epochs, int64_t steps_per_epoch) {
  return start.by_epoch ? epochs : epochs * steps_per_epoch;
}

}  // namespace

bool is_late(const LateStart& start, int64_t epochs, int64_t steps_per_epoch) {
  return start.start >= times(start, epochs, steps_per_epoch);
}

ScheduleEnd end_of(const LateStart& start, int rule, int64_t epochs, int64_t steps_per_epoch) {
  return {.rule = rule,
          .epochs = (start.by_epoch ? start.start : start.start / steps_per_epoch) + 1,
          .step = start.by_epoch ? start.start * steps_per_epoch : start.start,
          .goal = start.goal,
          .reached = start.reached,
          .remedy = "set " + start.key + " below " +
                    std::to_string(times(start, epochs, steps_per_epoch))};
}

}  // namespace espalier::compress
