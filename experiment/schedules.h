#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "espalier/experiment/choice.h"
#include "espalier/nn/optim/schedule.h"

namespace espalier::experiment {

/// Makes the schedule of one training.
using MakeSchedule = std::function<std::unique_ptr<nn::Schedule>()>;

/// The learning rate schedules a configuration may name, with their options.
const std::vector<Kind<MakeSchedule>>& schedule_kinds();

}  // namespace espalier::experiment
