#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "espalier/experiment/choice.h"
#include "espalier/nn/optim/optimizer.h"

namespace espalier::experiment {

/// Makes the optimizer of a model.
using MakeOptimizer = std::function<std::unique_ptr<nn::Optimizer>(nn::Module& model)>;

/// The optimizers a configuration may name, with their options.
const std::vector<Kind<MakeOptimizer>>& optimizer_kinds();

}  // namespace espalier::experiment
