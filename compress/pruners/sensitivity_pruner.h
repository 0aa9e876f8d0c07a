#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/dropout_scaling.h"
#include "espalier/compress/scheduled_pruner.h"

namespace espalier::compress {

/// Pruning by a threshold for each layer (Han et al., *Learning both Weights and Connections for
/// Efficient Neural Networks*, arXiv 1506.02626, section 4): a weight stays if
///
///     |w| > q·σ
///
/// where q is `sensitivity`, the quality parameter of the paper, and σ the standard deviation of
/// the layer's weights. Of Gaussian weights erf(q/√2) are masked: 38 % for 0.5, 68 % for 1, 95 %
/// for 2. At `start_epoch` (0), + `frequency` (1), … below `end_epoch` (no end) weights are masked,
/// and between these updates what is left is trained, so that more weights come to lie below.
///
/// `std: dense` takes σ at the first update, before anything is masked, and keeps it; `current`
/// takes it at each update over all entries, masked ones included. (Over the survivors alone it
/// would grow with the threshold until nothing is left.)
///
/// Two habits of the paper (section 3.2 and 3.3) are options. With `retrain: alternate` the updates
/// take turns: the first, third, … mask fully connected layers, and until the next update the
/// convolutions are held still; the others mask convolutions and hold the fully connected layers.
/// With the last update all are trained again. With `scale_dropout: true` a dropout behind a layer
/// shrinks with the connections that the layer has left (see `DropoutScaling`).
///
/// `sparsity` instead of `sensitivity` is a goal for the layers of the rule together. Thresholds
/// for it are found by measuring, which needs a function that evaluates the network: `set_search`,
/// or `set_thresholds` before the first update. `granularity` is that of `Ranking`, the mean
/// magnitude of a group stands for |w|; a threshold belongs to a layer, so there is no `scope:
/// global` and no pattern N:M.
class SensitivityPruner : public ScheduledPruner {
 public:
  SensitivityPruner(Rules rules = {}) : ScheduledPruner(std::move(rules)) {}  // NOLINT: as above

  /// The q of each layer of `layers()`; where the rule gives `sensitivity`, that one holds. They
  /// act from the next update on. \throws Error when not attached, or they are too few or below 0
  void set_thresholds(const std::vector<double>& sensitivities);
  /// What finds them: called between training steps when updates are due that need thresholds; only
  /// those of layers with `needs_threshold` are taken. It may evaluate the model.
  using Search = std::function<std::vector<double>(const SensitivityPruner& pruner)>;
  void set_search(Search search) { search_ = std::move(search); }

  /// The sparsity that the layer's rule has as its goal; empty if it gives `sensitivity`.
  std::optional<double> sparsity_goal(const LayerInfo& layer) const {
    return options_of(layer).sparsity;
  }
  /// Whether the layer's update is due and its threshold must be found for it.
  bool needs_threshold(const LayerInfo& layer) const {
    return is_due(layer) && !sensitivity(layer);
  }
  /// q of a layer; empty until it is found.
  std::optional<double> sensitivity(const LayerInfo& layer) const;
  /// σ of a layer; empty until the first update.
  std::optional<double> deviation(const LayerInfo& layer) const;
  /// For a search: σ as an update at this moment would take it, and the mask of a threshold q·σ.
  double present_deviation(const LayerInfo& layer) const;
  Tensor mask_at(const LayerInfo& layer, const Tensor& weight, double threshold) const {
    return mask_up_to(weight, threshold, ranking(layer.rule));
  }

  void update_epoch(int epoch) override;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  void visit_state(nn::StateVisitor& state) override;
  std::string rule_note(int rule) const override;
  std::vector<std::string> findings() const override;

 private:
  struct Options {
    std::optional<double> sensitivity, sparsity;  // one of them
    bool dense_deviation, alternates, scales_dropout;
  };
  struct Threshold {
    double sensitivity = -1, deviation = -1;  // negative: not known yet
  };
  void read_rule(int rule, MapReader& options) override;
  void on_update() override;
  void on_attached(nn::Module& model) override;
  void after_refresh() override;
  void on_attach_failed() override;
  /// Whether the layer is masked in this update, where they alternate.
  bool has_turn(const LayerInfo& layer) const;
  /// Holds the layers that are not to be trained now, and sets dropout to what is left.
  void set_retraining();
  Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) override;
  void find_missing();
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }

  std::vector<Options> options_;       // by rule
  std::vector<Threshold> thresholds_;  // by layer
  Search search_;
  DropoutScaling dropout_;
};

/// √(mean of (x − mean)²) over all entries.
double standard_deviation(const Tensor& x);

}  // namespace espalier::compress
