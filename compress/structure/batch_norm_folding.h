#pragma once

#include <optional>
#include <vector>

#include "espalier/compress/structure/graph.h"

namespace espalier::compress {

/// What a batch normalisation does in evaluation, channel by channel: y = factor·x + shift with
///
///     factor = γ/√(running variance + ε),   shift = β − running mean·factor
///
/// (Ioffe & Szegedy, arXiv 1502.03167, algorithm 2, step 11). γ and β are the effective ones.
struct ChannelAffine {
  std::vector<float> factors, shifts;
};
/// \throws Error unless the operation is a batch_norm
ChannelAffine affine_of(const NetworkOperation& batch_norm);

/// A batch normalisation that can be computed by the layer in front of it: a conv2d or linear whose
/// result nobody else reads, and that no grid stands behind. The layer then has
///
///     weight[o,…]·factor[o]   and   bias[o]·factor[o] + shift[o]
///
/// in place of its weight and bias (0 if it has none). A residual or ReLU that the operation
/// batch_norm itself carries is left for behind that.
struct BatchNormFold {
  int weighted;    ///< number of the conv2d or linear
  int batch_norm;  ///< number of the batch_norm
  ChannelAffine affine;
};
/// All of them, in the order of the network.
std::vector<BatchNormFold> batch_norm_folds(const Graph& graph);

}  // namespace espalier::compress
