#pragma once

#include <vector>

#include "espalier/experiment/choice.h"
#include "espalier/nn/optim/schedule.h"

namespace espalier::experiment {

/// The learning rate schedules a configuration may name, with their options.
const std::vector<Kind<nn::Schedule>>& schedule_kinds();

}  // namespace espalier::experiment
