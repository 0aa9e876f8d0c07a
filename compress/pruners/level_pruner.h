#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/pruner.h"

namespace espalier::compress {

/// Masks the given fraction of smallest-magnitude weights of each layer.
///
/// By default the mask follows the weights while they train: stored values keep getting the dense
/// gradient and the mask is computed anew every `frequency` updates, so that a weight masked by
/// mistake comes back (the mask rule of Lin et al., *Dynamic Model Pruning with Feedback*, ICLR
/// 2020, arXiv 2006.07253). One line before an unchanged training loop then gives a trained sparse
/// network.
///
/// Options of a rule: `sparsity` in [0, 1), required; `frequency`, optimizer updates between masks
/// (16), or `once`: one mask when attaching, for a network that is trained already.
class LevelPruner : public Pruner {
 public:
  LevelPruner(Rules rules = {}) : Pruner(std::move(rules)) {}  // NOLINT: rules in braces read well

  void update_epoch(int epoch) override { Compressor::update_epoch(epoch); }
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;

 private:
  struct Options {
    double sparsity;
    std::optional<int64_t> frequency;  // empty: once
  };
  void read_rule(int rule, MapReader& options) override;
  void on_update() override;
  MaskedWeights default_policy() const override { return MaskedWeights::train; }

  std::vector<Options> options_;       // by rule
  std::vector<int64_t> last_refresh_;  // by layer, in updates
};

}  // namespace espalier::compress
