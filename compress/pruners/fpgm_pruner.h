#pragma once

#include <utility>

#include "espalier/compress/pruners/channel_pruner.h"

namespace espalier::compress {

/// Takes the filters nearest to the geometric median of their layer, which the others can stand in
/// for, however large they are (He et al., *Filter Pruning via Geometric Median*, arXiv 1811.00250,
/// equation 8): those of smallest Σ_j ‖F_i − F_j‖₂.
class FPGMPruner : public ChannelPruner {
 public:
  FPGMPruner(Rules rules = {}) : ChannelPruner(std::move(rules)) {}  // NOLINT: rules in braces
  std::vector<double> score_filters(const std::string& layer, const Tensor& weight) override;
};

}  // namespace espalier::compress
