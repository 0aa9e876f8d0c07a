#pragma once

#include "espalier/autograd/ops.h"

namespace espalier::nn {

using espalier::cross_entropy;

}  // namespace espalier::nn
