#pragma once

#include "espalier/autograd/ops.h"

namespace espalier::nn {

using espalier::cross_entropy;
using espalier::CrossEntropyOptions;
using espalier::distillation_loss;
using espalier::DistillationOptions;
using espalier::mse_loss;

}  // namespace espalier::nn
