#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/optim/schedule.h"

namespace espalier::nn {

/// The loss of a student that learns from a teacher, see `distillation_loss`, for as long as that
/// is scheduled; before and after it is `cross_entropy`, and the teacher does not compute.
///
///     nn::Trainer trainer(student, optimizer,
///                         {.epochs = 10, .loss = nn::Distillation(teacher, {.temperature = 2})});
///
/// The teacher computes in evaluation mode, without gradients, on the very pictures that the
/// student sees. It must outlive the training, and be another model than the student.
class Distillation {
 public:
  struct Options {
    double temperature = 1;           ///< above 0
    double weight = 0.5;              ///< in [0, 1]: the teacher's share
    double label_smoothing = 0;       ///< of the labels, in [0, 1]
    TimeUnit unit = TimeUnit::epoch;  ///< of `start` and `end`
    int64_t start = 0;                ///< the first epoch (or optimizer step), from 0
    std::optional<int64_t> end = {};  ///< the first one after it; nothing: to the end

    /// What a training of this length may end before.
    std::vector<ScheduleEnd> ends(int64_t epochs, int64_t steps_per_epoch) const;
    /// When it begins and when it is over, for plans.
    std::vector<ScheduleEvent> events(int64_t steps_per_epoch) const;
  };
  /// \throws Error unless 0 ≤ start < end; other options are checked when the loss is computed
  Distillation(Module& teacher, const Options& options);

  /// The loss of a batch, of whose images the student has made these logits; a scalar.
  /// \throws Error as `distillation_loss`, and with paths that begin with `teacher` for what goes
  /// wrong in the teacher
  Tensor operator()(const Tensor& logits, const Batch& batch, const TrainingPosition& at) const;

 private:
  Tensor teacher_logits(const Tensor& images) const;

  Module* teacher_;
  Options options_;
};

}  // namespace espalier::nn
