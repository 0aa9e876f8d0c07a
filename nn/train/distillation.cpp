#include "espalier/nn/train/distillation.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/loss.h"

namespace espalier::nn {

Distillation::Distillation(Module& teacher, const Options& options)
    : teacher_(&teacher), options_(options) {
  if (options.start < 0 || (options.end && *options.end <= options.start))
    throw Error("distillation", "start must be at least 0 and end after it");
}

Tensor Distillation::operator()(const Tensor& logits, const Batch& batch,
                                const TrainingPosition& at) const {
  const int64_t now = at.time(options_.unit);
  if (now < options_.start || (options_.end && now >= *options_.end))
    return cross_entropy(logits, batch.labels, {.label_smoothing = options_.label_smoothing});
  return distillation_loss(logits, teacher_logits(batch.images), batch.labels,
                           {.temperature = options_.temperature,
                            .weight = options_.weight,
                            .label_smoothing = options_.label_smoothing});
}

Tensor Distillation::teacher_logits(const Tensor& images) const {
  const NoGrad no_grad;
  const LayerScope scope("teacher");  // its layers may be called like those of the student
  if (teacher_->training()) teacher_->eval();
  Tensor logits = (*teacher_)(images);
  Profile::lap("teacher", "forward", Work::elementwise);  // without a graph its layers make none
  return logits;
}

std::vector<ScheduleEvent> Distillation::Options::events(int64_t steps_per_epoch) const {
  std::vector<ScheduleEvent> all = {{step_of(start, unit, steps_per_epoch), "distillation begins"}};
  if (end) all.push_back({step_of(*end, unit, steps_per_epoch), "distillation is over"});
  return all;
}

std::vector<ScheduleEnd> Distillation::Options::ends(int64_t epochs,
                                                     int64_t steps_per_epoch) const {
  const int64_t times = unit == TimeUnit::epoch ? epochs : epochs * steps_per_epoch;
  if (start >= times) {
    return {{.who = "distillation",
             .epochs = epochs_to_reach(start, unit, steps_per_epoch),
             .goal = "its start",
             .reached = "the teacher has not been asked",
             .remedy = fmt::format("set start_{} below {}", name_of(unit), times)}};
  }
  if (!end) return {};
  return {{.who = "distillation",
           .epochs = epochs_to_reach(*end - 1, unit, steps_per_epoch),
           .goal = "its end",
           .reached = "the student still learns from the teacher",
           .remedy = fmt::format("set end_{} to {}", name_of(unit), times)}};
}

}  // namespace espalier::nn
