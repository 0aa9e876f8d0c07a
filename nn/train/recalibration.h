#pragma once

#include <cstdint>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"

namespace espalier::nn {

/// Estimates the running statistics of every batch normalisation anew: the mean over batches of
/// their means and (unbiased) variances, in place of the moving average that training leaves. Worth
/// it after weights have changed without training, by quantizing or pruning them. Nothing else of
/// the model changes, and nothing else is in training mode.
/// \param most  batches to look at, from the first of the source on, if it has so many
/// \return the batch normalisations there are; without any no batch is read
/// \throws Error when there are no samples
int recalibrate(Module& model, BatchSource& samples, int64_t most);

}  // namespace espalier::nn
