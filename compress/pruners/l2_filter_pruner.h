#pragma once

#include <utility>

#include "espalier/compress/pruners/channel_pruner.h"

namespace espalier::compress {

/// Takes the filters of smallest ℓ2 norm, √Σw² (Li et al., *Pruning Filters for Efficient
/// ConvNets*, arXiv 1608.08710, section 3.4, find it to be as good as ℓ1).
class L2FilterPruner : public ChannelPruner {
 public:
  L2FilterPruner(Rules rules = {}) : ChannelPruner(std::move(rules)) {}  // NOLINT: rules in braces
  std::vector<double> score_filters(const std::string& layer, const Tensor& weight) override;
};

}  // namespace espalier::compress
