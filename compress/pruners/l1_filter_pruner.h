#pragma once

#include <utility>

#include "espalier/compress/pruners/channel_pruner.h"

namespace espalier::compress {

/// Takes the filters of smallest ℓ1 norm, Σ|w| (Li et al., *Pruning Filters for Efficient
/// ConvNets*, arXiv 1608.08710, section 3.1).
///
/// Deviation from the paper: where a residual addition ties layers the score is the sum over all of
/// them; section 3.3 goes by the shortcut's filters alone.
class L1FilterPruner : public ChannelPruner {
 public:
  L1FilterPruner(Rules rules = {}) : ChannelPruner(std::move(rules)) {}  // NOLINT: rules in braces
  std::vector<double> score_filters(const std::string& layer, const Tensor& weight) override;
};

}  // namespace espalier::compress
