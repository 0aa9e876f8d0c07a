#pragma once

#include "espalier/autograd/ops.h"

namespace espalier::nn {

using espalier::cross_entropy;

/// How many rows of logits `N×K` are largest at their label; of equal logits the first counts.
int64_t count_correct(const Tensor& logits, const Labels& labels);

}  // namespace espalier::nn
