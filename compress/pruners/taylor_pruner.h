#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/pruners/channel_pruner.h"

namespace espalier::compress {

/// Takes the filters whose removal changes the loss least, estimated from gradients (Molchanov et
/// al., *Importance Estimation for Neural Network Pruning*, arXiv 1906.10771, equation 8): a filter
/// scores (Σ g·w)², g the gradient of the loss, averaged over the batches since the last masks were
/// made. It needs batches to look at, so `start_epoch` is at least 1, and 1 by default.
///
/// Deviation from the paper: the score is that of a convolution's own weights also where a batch
/// normalisation follows, for which the paper takes γ and β (section 3.2).
class TaylorPruner : public ChannelPruner {
 public:
  TaylorPruner(Rules rules = {}) : ChannelPruner(std::move(rules)) {}  // NOLINT: rules in braces
  std::vector<double> score_filters(const std::string& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;

 private:
  class Watch;
  int64_t earliest_start() const override { return 1; }
  void on_rules_chosen() override;
  void after_update(int rule) override;

  std::map<std::string, std::shared_ptr<Watch>> watches_;  // by layer
  std::vector<int64_t> updates_seen_;                      // by rule
};

}  // namespace espalier::compress
