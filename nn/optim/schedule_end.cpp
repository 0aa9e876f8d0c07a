#include "espalier/nn/optim/schedule_end.h"

#include <fmt/format.h>

namespace espalier::nn {
namespace {

std::string count_of_epochs(int64_t epochs) {
  return fmt::format("{} epoch{}", epochs, epochs == 1 ? "" : "s");
}

}  // namespace

const char* name_of(TimeUnit unit) {
  return unit == TimeUnit::epoch ? "epoch" : "step";
}

int64_t epochs_to_reach(int64_t time, TimeUnit unit, int64_t steps_per_epoch) {
  return (unit == TimeUnit::epoch ? time : time / steps_per_epoch) + 1;
}

std::string unfinished(const ScheduleEnd& end, int64_t epochs) {
  if (end.epochs <= epochs) return "";
  return fmt::format(
      "{} reaches {} in epoch {}, but training ends after {}: at that point {}; train at least {}, "
      "or {}",
      end.who, end.goal, end.epochs, count_of_epochs(epochs), end.reached,
      count_of_epochs(end.epochs), end.remedy);
}

}  // namespace espalier::nn
