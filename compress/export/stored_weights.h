#pragma once

#include <span>
#include <vector>

#include "espalier/autograd/tensor.h"
#include "espalier/compress/file/network.h"

namespace espalier::compress {

/// The form in which a weight costs least: codes if it lies on steps, else a codebook if it has few
/// values, at most 256, else its values.
/// \param factors  each output channel is multiplied by one of these, as a folded batch
///        normalisation does; empty: by nothing
file::Weights stored_weights(const Tensor& weight, std::span<const double> factors);

}  // namespace espalier::compress
