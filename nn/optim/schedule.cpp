#include "espalier/nn/optim/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {
namespace {

constexpr const char* other_schedule = "take another schedule";

/// A schedule that depends on the position alone.
template <class Function>
class Fixed : public Schedule {
 public:
  explicit Fixed(Function function) : function_(std::move(function)) {}
  double factor(const TrainingPosition& at) override { return function_(at); }

 private:
  Function function_;
};

template <class Function>
std::unique_ptr<Schedule> fixed(Function function) {
  return std::make_unique<Fixed<Function>>(std::move(function));
}

class StepDecay : public Schedule {
 public:
  StepDecay(int64_t every, double gamma, TimeUnit unit)
      : every_(every), gamma_(gamma), unit_(unit) {}

  double factor(const TrainingPosition& at) override {
    return std::pow(gamma_, static_cast<double>(at.time(unit_) / every_));
  }

  std::vector<ScheduleEnd> ends(int64_t epochs, int64_t steps_per_epoch) const override {
    const int64_t times = unit_ == TimeUnit::epoch ? epochs : epochs * steps_per_epoch;
    return {{.who = "schedule step",
             .epochs = epochs_to_reach(every_, unit_, steps_per_epoch),
             .goal = "its first change",
             .reached = "the learning rate is what it was",
             .remedy = times > 1 ? fmt::format("set every below {}", times) : other_schedule}};
  }

  std::vector<ScheduleEvent> events(int64_t, int64_t steps_per_epoch) const override {
    return {{step_of(every_, unit_, steps_per_epoch),
             fmt::format("learning rate times {:g}, and again after every {} {}s", gamma_, every_,
                         name_of(unit_))}};
  }

 private:
  int64_t every_;
  double gamma_;
  TimeUnit unit_;
};

class MultiStep : public Schedule {
 public:
  MultiStep(std::vector<int64_t> at, double gamma, TimeUnit unit)
      : at_(std::move(at)), gamma_(gamma), unit_(unit) {}

  double factor(const TrainingPosition& now) override { return factor_at(now.time(unit_)); }

  std::vector<ScheduleEnd> ends(int64_t epochs, int64_t steps_per_epoch) const override {
    if (at_.empty()) return {};
    const int64_t times = unit_ == TimeUnit::epoch ? epochs : epochs * steps_per_epoch;
    return {{.who = "schedule multi_step",
             .epochs = epochs_to_reach(at_.back(), unit_, steps_per_epoch),
             .goal = "its last learning rate",
             .reached = fmt::format("the rate is multiplied by {:.3g}", factor_at(times - 1)),
             .remedy = fmt::format("leave what is not below {} out of at", times)}};
  }

  std::vector<ScheduleEvent> events(int64_t, int64_t steps_per_epoch) const override {
    std::vector<ScheduleEvent> all;
    for (const int64_t time : at_) {
      all.push_back(
          {step_of(time, unit_, steps_per_epoch), fmt::format("learning rate times {:g}", gamma_)});
    }
    return all;
  }

 private:
  double factor_at(int64_t time) const {
    const auto begun = std::upper_bound(at_.begin(), at_.end(), time);
    return std::pow(gamma_, static_cast<double>(begun - at_.begin()));
  }

  std::vector<int64_t> at_;
  double gamma_;
  TimeUnit unit_;
};

class OneCycle : public Schedule {
 public:
  explicit OneCycle(double warmup) : warmup_(warmup) {}

  double factor(const TrainingPosition& at) override {
    constexpr double start = 1.0 / 25.0;
    const double progress = at.progress();
    if (progress < warmup_) return start + (1.0 - start) * progress / warmup_;
    return (1.0 - progress) / (1.0 - warmup_);
  }

  std::vector<ScheduleEvent> events(int64_t epochs, int64_t steps_per_epoch) const override {
    const double peak = std::ceil(warmup_ * static_cast<double>(epochs * steps_per_epoch));
    return {{static_cast<int64_t>(peak), "learning rate at its highest"}};
  }

 private:
  double warmup_;
};

class Plateau : public Schedule {
 public:
  explicit Plateau(const PlateauOptions& options) : options_(options) {}

  double factor(const TrainingPosition&) override { return factor_; }

  void epoch_done(const EpochResult& result) override {
    const bool by_loss = options_.watch == PlateauOptions::Watch::loss;
    const double now = by_loss ? result.evaluation_loss : result.accuracy;
    const bool better = !has_best_ || (by_loss ? now < best_ * (1 - options_.threshold)
                                               : now > best_ * (1 + options_.threshold));
    if (better) {
      best_ = now;
      has_best_ = true;
      epochs_without_ = 0;
    } else {
      ++epochs_without_;
    }
    if (cooldown_left_ > 0) {
      --cooldown_left_;
      epochs_without_ = 0;
    }
    if (epochs_without_ > options_.patience) {
      factor_ = std::max(factor_ * options_.factor, options_.min_factor);
      cooldown_left_ = options_.cooldown;
      epochs_without_ = 0;
    }
  }

  std::vector<ScheduleEnd> ends(int64_t epochs, int64_t) const override {
    // The first result sets the best one, then more than `patience` are worse, then an epoch feels
    // it.
    constexpr int64_t others = 3;
    return {{.who = "schedule reduce_on_plateau",
             .epochs = options_.patience + others,
             .goal = "its first reduction, if at all,",
             .reached = "the learning rate is what it was",
             .remedy = epochs < others ? other_schedule
                                       : fmt::format("set patience to {}", epochs - others)}};
  }

  std::vector<ScheduleEvent> events(int64_t, int64_t steps_per_epoch) const override {
    return {{(options_.patience + 2) * steps_per_epoch,
             "from here on a plateau may lower the learning rate"}};
  }

  void visit_state(StateVisitor& state) override {
    state("factor", factor_);
    state("best", best_);
    state("has_best", has_best_);
    state("epochs_without_improvement", epochs_without_);
    state("cooldown_left", cooldown_left_);
  }

 private:
  PlateauOptions options_;
  double factor_ = 1;
  double best_ = 0;
  bool has_best_ = false;
  int epochs_without_ = 0;
  int cooldown_left_ = 0;
};

class WithWarmup : public Schedule {
 public:
  WithWarmup(std::unique_ptr<Schedule> schedule, const Warmup& warmup)
      : schedule_(std::move(schedule)), warmup_(warmup) {}

  double factor(const TrainingPosition& at) override {
    return ramp(at.step, at.steps_per_epoch) * schedule_->factor(at);
  }

  std::vector<ScheduleEnd> ends(int64_t epochs, int64_t steps_per_epoch) const override {
    std::vector<ScheduleEnd> all = schedule_->ends(epochs, steps_per_epoch);
    const int64_t steps = epochs * steps_per_epoch;
    const int64_t full = static_cast<int64_t>(std::ceil(length(steps_per_epoch)));
    all.push_back({.who = "schedule warmup",
                   .epochs = epochs_to_reach(full, TimeUnit::step, steps_per_epoch),
                   .goal = "the full learning rate",
                   .reached = fmt::format("the rate is multiplied by {:.3g}",
                                          ramp(steps - 1, steps_per_epoch)),
                   .remedy = warmup_.steps > 0 ? fmt::format("set steps below {}", steps)
                                               : fmt::format("set epochs below {}", epochs)});
    return all;
  }

  std::vector<ScheduleEvent> events(int64_t epochs, int64_t steps_per_epoch) const override {
    std::vector<ScheduleEvent> all = schedule_->events(epochs, steps_per_epoch);
    all.push_back(
        {static_cast<int64_t>(std::ceil(length(steps_per_epoch))), "the warm-up is over"});
    return all;
  }

  void epoch_done(const EpochResult& result) override { schedule_->epoch_done(result); }
  void visit_state(StateVisitor& state) override { schedule_->visit_state(state); }

 private:
  /// In steps.
  double length(int64_t steps_per_epoch) const {
    return warmup_.steps > 0 ? static_cast<double>(warmup_.steps)
                             : warmup_.epochs * static_cast<double>(steps_per_epoch);
  }
  double ramp(int64_t step, int64_t steps_per_epoch) const {
    const double done = std::min(static_cast<double>(step) / length(steps_per_epoch), 1.0);
    return warmup_.start_factor + (1 - warmup_.start_factor) * done;
  }

  std::unique_ptr<Schedule> schedule_;
  Warmup warmup_;
};

}  // namespace

std::unique_ptr<Schedule> constant() {
  return fixed([](const TrainingPosition&) { return 1.0; });
}

std::unique_ptr<Schedule> step_decay(int64_t every, double gamma, TimeUnit unit) {
  if (every < 1 || !(gamma > 0)) throw Error("step", "every must be at least 1 and gamma above 0");
  return std::make_unique<StepDecay>(every, gamma, unit);
}

std::unique_ptr<Schedule> multi_step(std::vector<int64_t> at, double gamma, TimeUnit unit) {
  int64_t previous = 0;
  for (int64_t time : at) {
    if (time <= previous)
      throw Error("multi_step", fmt::format("the {}s must be at least 1 and each above the one "
                                            "before",
                                            name_of(unit)));
    previous = time;
  }
  if (!(gamma > 0)) throw Error("multi_step", "gamma must be above 0");
  return std::make_unique<MultiStep>(std::move(at), gamma, unit);
}

std::unique_ptr<Schedule> cosine() {
  return fixed([](const TrainingPosition& at) {
    return 0.5 * (1.0 + std::cos(std::numbers::pi * at.progress()));
  });
}

std::unique_ptr<Schedule> one_cycle(double warmup) {
  if (!(warmup >= 0 && warmup < 1)) throw Error("one_cycle", "warmup must be in [0, 1)");
  return std::make_unique<OneCycle>(warmup);
}

std::unique_ptr<Schedule> reduce_on_plateau(const PlateauOptions& options) {
  if (!(options.factor > 0 && options.factor < 1))
    throw Error("reduce_on_plateau", "factor must be between 0 and 1");
  if (options.patience < 0 || options.cooldown < 0)
    throw Error("reduce_on_plateau", "patience and cooldown must be at least 0 epochs");
  if (!(options.threshold >= 0 && options.threshold < 1))
    throw Error("reduce_on_plateau", "threshold must be in [0, 1)");
  if (!(options.min_factor >= 0 && options.min_factor <= 1))
    throw Error("reduce_on_plateau", "min_factor must be in [0, 1]");
  return std::make_unique<Plateau>(options);
}

std::unique_ptr<Schedule> with_warmup(std::unique_ptr<Schedule> schedule, const Warmup& warmup) {
  if (!schedule) throw Error("warmup", "there is no schedule behind the warm-up");
  const bool by_epochs = warmup.epochs > 0 && std::isfinite(warmup.epochs);
  if (by_epochs == (warmup.steps > 0) || warmup.steps < 0 || !(warmup.epochs >= 0))
    throw Error("warmup", "either epochs or steps must be above 0");
  if (!(warmup.start_factor >= 0 && warmup.start_factor < 1))
    throw Error("warmup", "start_factor must be in [0, 1)");
  return std::make_unique<WithWarmup>(std::move(schedule), warmup);
}

}  // namespace espalier::nn
