#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "espalier/experiment/choice.h"
#include "espalier/nn/optim/schedule.h"

namespace espalier::experiment {

/// Makes the schedule of one training.
using MakeSchedule = std::function<std::unique_ptr<nn::Schedule>()>;

/// The learning rate schedules a configuration may name, with their options:
///
///     schedule: {multi_step: {at: [80, 120], gamma: 0.1}}          # epochs; or unit: step
///     schedule: {reduce_on_plateau: {watch: accuracy, patience: 5}}
///     schedule: {warmup: {epochs: 5, from: 0.01, then: cosine}}    # or steps: 400; any other
///     after it
const std::vector<Kind<MakeSchedule>>& schedule_kinds();

}  // namespace espalier::experiment
