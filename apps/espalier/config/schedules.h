#pragma once

#include <vector>

#include "config/choice.h"
#include "espalier/nn/optim/schedule.h"

namespace espalier::app {

/// The learning rate schedules a configuration may name, with their options.
const std::vector<Kind<nn::Schedule>>& schedule_kinds();

}  // namespace espalier::app
