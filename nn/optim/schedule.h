#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "espalier/nn/io/state.h"
#include "espalier/nn/optim/schedule_end.h"

namespace espalier::nn {

/// Where training stands.
struct TrainingPosition {
  int64_t step;  ///< optimizer steps done, over all epochs
  int64_t steps_per_epoch;
  int64_t epochs;  ///< of the whole training
  /// Done part of the training, 0 … 1.
  double progress() const {
    return static_cast<double>(step) / static_cast<double>(steps_per_epoch * epochs);
  }
  int64_t epoch() const { return step / steps_per_epoch; }
  int64_t time(TimeUnit unit) const { return unit == TimeUnit::epoch ? epoch() : step; }
};

/// How the model did after an epoch.
struct EpochResult {
  int epoch;               ///< from 0
  double evaluation_loss;  ///< mean over the evaluation samples
  double accuracy;         ///< fraction of the evaluation samples classified correctly
};

/// Decides the factor by which the optimizer's learning rate is multiplied. One object follows one
/// training: make a new one for the next.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// The factor for the step at a position.
  virtual double factor(const TrainingPosition& at) = 0;
  /// Is told the result of each epoch, before the first step of the next one.
  virtual void epoch_done(const EpochResult& /*result*/) {}
  /// What a training of this length may end before, and when that would come.
  virtual std::vector<ScheduleEnd> ends(int64_t /*epochs*/, int64_t /*steps_per_epoch*/) const {
    return {};
  }
  /// What happens when in a training of this length, for plans; steady change is left out.
  virtual std::vector<ScheduleEvent> events(int64_t /*epochs*/, int64_t /*steps_per_epoch*/) const {
    return {};
  }
  /// Visits what the schedule must remember when training stops and goes on.
  virtual void visit_state(StateVisitor& /*state*/) {}
};

/// Always 1.
std::unique_ptr<Schedule> constant();

/// gamma^⌊time/every⌋. \throws Error unless every ≥ 1 and gamma > 0
std::unique_ptr<Schedule> step_decay(int64_t every, double gamma = 0.1,
                                     TimeUnit unit = TimeUnit::epoch);

/// gammaⁿ, where n of the epochs (or optimizer steps) `at` have begun. \throws Error unless
/// gamma > 0 and `at` rises from at least 1
std::unique_ptr<Schedule> multi_step(std::vector<int64_t> at, double gamma = 0.1,
                                     TimeUnit unit = TimeUnit::epoch);

/// ½(1 + cos(π·progress)): from 1 to 0 (Loshchilov & Hutter, arXiv 1608.03983, eq. 5, one period).
std::unique_ptr<Schedule> cosine();

/// From 1/25 straight up to 1 over the first part `warmup` of training, then straight down to 0
/// (after Smith & Topin, arXiv 1708.07120, with a single way down). \throws Error unless 0 ≤ warmup
/// < 1
std::unique_ptr<Schedule> one_cycle(double warmup = 0.3);

struct PlateauOptions {
  enum class Watch { loss, accuracy };
  double factor = 0.1;  ///< what the rate is multiplied by, in (0, 1)
  /// Epochs without improvement that are borne; never steps, as there is one result an epoch.
  int patience = 10;
  /// An epoch is an improvement when its loss is below best·(1 − threshold), or its accuracy above
  /// best·(1 + threshold).
  double threshold = 1e-4;
  Watch watch = Watch::loss;
  int cooldown = 0;       ///< epochs after a reduction that do not count against the patience
  double min_factor = 0;  ///< the product of all reductions does not fall below it
};
/// Multiplies by `factor` whenever more than `patience` epochs in a row bring no improvement over
/// the best one: PyTorch's ReduceLROnPlateau, with its relative threshold. \throws Error for values
/// out of range
std::unique_ptr<Schedule> reduce_on_plateau(const PlateauOptions& options = {});

/// How a warm-up goes; exactly one of the lengths is above 0.
struct Warmup {
  double epochs = 0;        ///< its length; half an epoch is allowed
  int64_t steps = 0;        ///< its length, if it is counted in optimizer steps
  double start_factor = 0;  ///< of the first step, in [0, 1)
};
/// Linear warm-up in front of any schedule (Goyal et al., arXiv 1706.02677, section 2.2): in its
/// first W steps the schedule's factor is multiplied by start + (1 − start)·step/W. The schedule
/// keeps the clock of the whole training, so `multi_step({30, 60})` acts at epochs 30 and 60
/// whatever the warm-up, and its factor goes on without a jump where the warm-up ends. (PyTorch:
/// `ChainedScheduler` of `LinearLR` and the schedule.) A plateau schedule hears of every epoch,
/// those of the warm-up included. \throws Error for values out of range
std::unique_ptr<Schedule> with_warmup(std::unique_ptr<Schedule> schedule, const Warmup& warmup);

}  // namespace espalier::nn
