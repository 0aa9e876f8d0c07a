#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/optim/schedule.h"

using namespace espalier;

namespace {

/// The factor at a step of a training of 10 epochs of 4 steps.
double at(nn::Schedule& schedule, int64_t step) {
  return schedule.factor({step, 4, 10});
}
double at(const std::unique_ptr<nn::Schedule>& schedule, int64_t step) {
  return at(*schedule, step);
}

}  // namespace

TEST_CASE("learning rates over a training of 10 epochs of 4 steps") {
  CHECK(at(nn::constant(), 17) == 1.0);
  CHECK(at(nn::step_decay(3, 0.5), 11) == 1.0);
  CHECK(at(nn::step_decay(3, 0.5), 12) == 0.5);
  CHECK(at(nn::step_decay(3, 0.5), 39) == 0.125);
  CHECK(at(nn::multi_step({2, 5}, 0.1), 7) == 1.0);
  CHECK(at(nn::multi_step({2, 5}, 0.1), 8) == Approx(0.1));
  CHECK(at(nn::multi_step({2, 5}, 0.1), 19) == Approx(0.1));
  CHECK(at(nn::multi_step({2, 5}, 0.1), 20) == Approx(0.01));
  CHECK(at(nn::cosine(), 0) == 1.0);
  CHECK(at(nn::cosine(), 20) == Approx(0.5));
  CHECK(at(nn::cosine(), 40) == Approx(0).margin(1e-12));
  CHECK(at(nn::one_cycle(0.2), 0) == Approx(0.04));
  CHECK(at(nn::one_cycle(0.2), 4) == Approx(0.52));
  CHECK(at(nn::one_cycle(0.2), 8) == 1.0);
  CHECK(at(nn::one_cycle(0.2), 24) == Approx(0.5));
  CHECK(at(nn::one_cycle(0), 0) == 1.0);
  CHECK_THROWS(nn::one_cycle(1));
  CHECK_THROWS(nn::step_decay(0));
  CHECK_THROWS(nn::multi_step({0, 3}));
  CHECK_THROWS(nn::multi_step({3, 3}));
  CHECK_THROWS(nn::multi_step({3}, 0));
}

TEST_CASE("learning rates that count optimizer steps") {
  using nn::TimeUnit;
  CHECK(at(nn::step_decay(3, 0.5, TimeUnit::step), 2) == 1.0);
  CHECK(at(nn::step_decay(3, 0.5, TimeUnit::step), 3) == 0.5);
  CHECK(at(nn::step_decay(3, 0.5, TimeUnit::step), 10) == 0.125);
  CHECK(at(nn::multi_step({2, 5}, 0.1, TimeUnit::step), 1) == 1.0);
  CHECK(at(nn::multi_step({2, 5}, 0.1, TimeUnit::step), 2) == Approx(0.1));
  CHECK(at(nn::multi_step({2, 5}, 0.1, TimeUnit::step), 5) == Approx(0.01));
  CHECK_THROWS_WITH(nn::multi_step({5, 5}, 0.1, TimeUnit::step), Catch::Contains("the steps must"));
}

TEST_CASE("schedules know when a training is too short for them, and what fits") {
  using nn::TimeUnit;
  // The warnings of a training of `epochs` epochs of 4 steps.
  const auto warnings = [](const std::unique_ptr<nn::Schedule>& schedule, int64_t epochs) {
    std::string text;
    for (const nn::ScheduleEnd& end : schedule->ends(epochs, 4)) text += unfinished(end, epochs);
    return text;
  };
  CHECK(warnings(nn::multi_step({2, 5}), 6).empty());  // epoch 5, from 0, is the sixth
  CHECK(warnings(nn::multi_step({2, 5}), 5) ==
        "schedule multi_step reaches its last learning rate in epoch 6, but training ends after 5 "
        "epochs: at that point the rate is multiplied by 0.1; train at least 6 epochs, or leave "
        "what is not below 5 out of at");
  CHECK(warnings(nn::multi_step({2, 11}, 0.1, TimeUnit::step), 3).empty());  // step 11 is the last
  CHECK_THAT(warnings(nn::multi_step({2, 12}, 0.1, TimeUnit::step), 3),
             Catch::Contains("in epoch 4,") && Catch::Contains("not below 12 out"));
  CHECK(warnings(nn::step_decay(3), 4).empty());
  CHECK_THAT(warnings(nn::step_decay(3), 3), Catch::Contains("its first change in epoch 4") &&
                                                 Catch::Contains("set every below 3"));
  CHECK_THAT(warnings(nn::step_decay(3), 1), Catch::Contains("another schedule"));

  CHECK(warnings(nn::with_warmup(nn::constant(), {.epochs = 2}), 3).empty());
  // Steps 0 … 7 of 8 have 7/8 at most.
  CHECK_THAT(warnings(nn::with_warmup(nn::constant(), {.epochs = 2}), 2),
             Catch::Contains("in epoch 3,") && Catch::Contains("by 0.875") &&
                 Catch::Contains("set epochs below 2"));
  CHECK_THAT(warnings(nn::with_warmup(nn::multi_step({5}), {.steps = 9}), 2),
             Catch::Contains("multi_step reaches") && Catch::Contains("set steps below 8"));

  // The best result, two worse ones, and an epoch that feels it.
  CHECK(warnings(nn::reduce_on_plateau({.patience = 1}), 4).empty());
  CHECK_THAT(warnings(nn::reduce_on_plateau({.patience = 1}), 3),
             Catch::Contains("in epoch 4,") && Catch::Contains("set patience to 0"));
  CHECK(warnings(nn::cosine(), 1).empty());
  CHECK(warnings(nn::one_cycle(), 1).empty());
}

TEST_CASE("the earliest reduction on a plateau is when the plan says") {
  const auto schedule = nn::reduce_on_plateau({.factor = 0.5, .patience = 1});
  const std::vector<nn::ScheduleEvent> events = schedule->events(10, 4);
  REQUIRE(events.size() == 1);
  int64_t step = 0;
  for (int epoch = 0; at(schedule, step) == 1.0 && epoch < 10; ++epoch) {
    schedule->epoch_done({epoch, 1, 0});
    step += 4;
  }
  CHECK(step == events[0].step);
}

TEST_CASE("a warm-up ramps the schedule behind it, which keeps its own clock") {
  // Two epochs are 8 steps: factor (0.2 + 0.8·step/8) times the schedule's.
  const auto steps =
      nn::with_warmup(nn::multi_step({1, 3}, 0.5), {.epochs = 2, .start_factor = 0.2});
  CHECK(at(steps, 0) == Approx(0.2));
  CHECK(at(steps, 3) == Approx(0.5));
  CHECK(at(steps, 4) == Approx(0.6 * 0.5));
  CHECK(at(steps, 8) == Approx(0.5));
  CHECK(at(steps, 12) == Approx(0.25));

  const auto cosine = nn::with_warmup(nn::cosine(), {.steps = 8});
  CHECK(at(cosine, 0) == 0.0);
  CHECK(at(cosine, 4) == Approx(0.5 * 0.5 * (1 + 0.9510565163)));  // cos(π·4/40)
  CHECK(at(cosine, 8) == Approx(0.5 * (1 + 0.8090169944)));        // cos(π·8/40)
  CHECK(at(cosine, 30) == Approx(at(nn::cosine(), 30)));

  const auto half = nn::with_warmup(nn::constant(), {.epochs = 0.5});  // two steps
  CHECK(at(half, 1) == 0.5);
  CHECK(at(half, 2) == 1.0);

  CHECK_THROWS_WITH(nn::with_warmup(nn::cosine(), {}), Catch::Contains("epochs or steps"));
  CHECK_THROWS_WITH(nn::with_warmup(nn::cosine(), {.epochs = 1, .steps = 1}),
                    Catch::Contains("epochs or steps"));
  CHECK_THROWS_WITH(nn::with_warmup(nn::cosine(), {.steps = 1, .start_factor = 1}),
                    Catch::Contains("start_factor"));
  CHECK_THROWS_WITH(nn::with_warmup(nullptr, {.steps = 1}), Catch::Contains("no schedule"));
}

TEST_CASE("a plateau of the loss lowers the rate") {
  const auto schedule =
      nn::reduce_on_plateau({.factor = 0.5, .patience = 1, .threshold = 0.1, .min_factor = 0.2});
  // An improvement is a loss below 0.9 of the best one.
  const std::vector<std::pair<double, double>> losses_and_factors = {
      {1.0, 1.0},   // the best so far
      {0.95, 1.0},  // not below 0.9: one epoch without improvement is borne
      {0.92, 0.5},  // the second is not
      {0.85, 0.5},  // the best
      {0.80, 0.5},  // not below 0.765
      {0.79, 0.25}, {0.78, 0.25}, {0.77, 0.2},  // not below the smallest factor
      {0.1, 0.2},
  };
  int epoch = 0;
  for (const auto& [loss, factor] : losses_and_factors) {
    schedule->epoch_done({epoch++, loss, 0});
    INFO("epoch " << epoch);
    CHECK(at(schedule, 4 * epoch) == Approx(factor));
  }
}

TEST_CASE("a plateau of the accuracy, with a rest after each reduction, behind a warm-up") {
  const auto schedule =
      nn::with_warmup(nn::reduce_on_plateau({.factor = 0.1,
                                             .patience = 0,
                                             .threshold = 0,
                                             .watch = nn::PlateauOptions::Watch::accuracy,
                                             .cooldown = 2}),
                      {.epochs = 1});
  const std::vector<std::pair<double, double>> accuracies_and_factors = {
      {0.5, 1.0}, {0.6, 1.0}, {0.6, 0.1},  // equal is no improvement
      {0.6, 0.1}, {0.6, 0.1},              // rests
      {0.6, 0.01}};
  CHECK(at(schedule, 2) == 0.5);
  int epoch = 0;
  for (const auto& [accuracy, factor] : accuracies_and_factors) {
    schedule->epoch_done({epoch++, 0, accuracy});
    CHECK(at(schedule, 4 * epoch) == Approx(factor));
  }
}

TEST_CASE("a plateau schedule goes on where it stopped") {
  const nn::PlateauOptions options{.factor = 0.5, .patience = 2};
  const auto make = [&] { return nn::with_warmup(nn::reduce_on_plateau(options), {.steps = 1}); };
  const auto whole = make(), first = make(), second = make();
  const std::vector<double> losses{3, 2, 2, 2, 2, 2, 2, 2};
  nn::State state;
  for (int epoch = 0; epoch < 8; ++epoch) {
    const nn::EpochResult result{epoch, losses[static_cast<size_t>(epoch)], 0};
    whole->epoch_done(result);
    (epoch < 4 ? first : second)->epoch_done(result);
    if (epoch == 3) {
      auto saving = nn::StateVisitor::saving(state);
      first->visit_state(saving);
      auto restoring = nn::StateVisitor::restoring(state);
      second->visit_state(restoring);
    }
    if (epoch >= 4) CHECK(at(second, 8) == at(whole, 8));
  }
  CHECK(at(whole, 8) == 0.25);
}

TEST_CASE("plateau schedules refuse impossible settings") {
  CHECK_THROWS_WITH(nn::reduce_on_plateau({.factor = 1}), Catch::Contains("factor"));
  CHECK_THROWS_WITH(nn::reduce_on_plateau({.patience = -1}), Catch::Contains("patience"));
  CHECK_THROWS_WITH(nn::reduce_on_plateau({.threshold = 1}), Catch::Contains("threshold"));
  CHECK_THROWS_WITH(nn::reduce_on_plateau({.min_factor = 2}), Catch::Contains("min_factor"));
}
