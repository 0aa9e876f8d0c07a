#include "espalier/experiment/schedules.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/optimizers.h"
#include "espalier/nn/layers/linear.h"

using namespace espalier;
using namespace espalier::experiment;

namespace {

Choice<MakeSchedule> read(const std::string& yaml) {
  return read_choice(compress::parse_yaml(yaml, "given.yaml"), "schedule", schedule_kinds());
}

/// The factor at a step of a training of 10 epochs of 4 steps.
double at(nn::Schedule& schedule, int64_t step) {
  return schedule.factor({step, 4, 10});
}

}  // namespace

TEST_CASE("schedules are read from a configuration and spelled out") {
  const auto steps = read("multi_step: {at: [2, 5]}");
  CHECK(at(*steps.thing(), 8) == Approx(0.1));
  CHECK(at(*steps.thing(), 20) == Approx(0.01));

  const auto plateau = read("reduce_on_plateau: {watch: accuracy, factor: 0.5, patience: 0}");
  const auto first = plateau.thing(), second = plateau.thing();
  first->epoch_done({0, 0, 0.9});
  first->epoch_done({1, 0, 0.9});
  CHECK(at(*first, 8) == 0.5);
  CHECK(at(*second, 8) == 1.0);  // each training has a schedule of its own

  const auto warm = read("warmup: {epochs: 2, from: 0.2, then: {multi_step: {at: 3, gamma: 0.5}}}");
  CHECK(at(*warm.thing(), 4) == Approx(0.6));
  CHECK(at(*warm.thing(), 12) == Approx(0.5));
  CHECK(at(*read("warmup: {steps: 4}").thing(), 1) == Approx(0.25));

  const auto by_step = read("multi_step: {at: [6, 7], unit: step}");
  CHECK(at(*by_step.thing(), 5) == 1.0);
  CHECK(at(*by_step.thing(), 6) == Approx(0.1));
  CHECK(at(*read("step: {every: 3, gamma: 0.5, unit: step}").thing(), 7) == 0.25);
  CHECK(at(*read("step: {every: 3, gamma: 0.5}").thing(), 13) == 0.5);

  for (const auto& choice :
       {steps, by_step, plateau, warm, read("warmup: {steps: 4, then: cosine}")}) {
    const std::string written = compress::to_yaml(choice.to_value());
    INFO(written);
    CHECK(compress::to_yaml(read(written).to_value()) == written);
  }
}

TEST_CASE("wrong schedules are refused by name and place") {
  CHECK_THROWS_WITH(read("multi_step: {at: [5, 5]}"), Catch::Contains("above the one before"));
  CHECK_THROWS_WITH(read("multi_step: {at: 5, unit: epochs}"), Catch::Contains("'epoch'"));
  CHECK_THROWS_WITH(read("reduce_on_plateau: {watch: los}"), Catch::Contains("'loss'"));
  CHECK_THROWS_WITH(read("reduce_on_platau"), Catch::Contains("did you mean 'reduce_on_plateau'"));
  CHECK_THROWS_WITH(read("warmup: {then: cosine}"), Catch::Contains("epochs"));
  CHECK_THROWS_WITH(read("warmup: {epochs: 1, steps: 3}"), Catch::Contains("together"));
  CHECK_THROWS_WITH(read("warmup: {epochs: 1, then: {cosin: {}}}"),
                    Catch::Contains("did you mean 'cosine'"));
}

TEST_CASE("optimizers are read from a configuration") {
  nn::Linear layer({.in = 2, .out = 1});
  const auto make = [&](const std::string& yaml) {
    const auto choice =
        read_choice(compress::parse_yaml(yaml, "given.yaml"), "optimizer", optimizer_kinds());
    const std::string written = compress::to_yaml(choice.to_value());
    CHECK_THAT(written, Catch::Contains("weight_decay"));
    return choice.thing(layer)->learning_rate();
  };
  CHECK(make("AdamW: {lr: 0.002, weight_decay: 0.05}") == 0.002);
  CHECK(make("RMSprop: {alpha: 0.9, momentum: 0.9, centered: true}") == 0.01);
  CHECK_THROWS_WITH(make("RMSprop: {alpha: 1}"), Catch::Contains("alpha"));
}
