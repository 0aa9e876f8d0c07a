#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/quantizer.h"
#include "espalier/compress/quantizers/codebook.h"

namespace espalier::compress {

/// Weight sharing (Han, Mao & Dally, *Deep Compression*, arXiv 1510.00149, section 3): the weights
/// of a layer are divided into 2^bits clusters by k-means, and all weights of a cluster are one
/// value, which is trained.
///
/// When sharing begins (`start_epoch`), clusters are found among the weights that are not 0; which
/// weight is in which cluster then stays. Zeros are what pruners make: they are in no cluster, and
/// stay 0. With C the cluster of weight i, n_C the number of its weights and w the stored values,
///
///     effective_i = c_C = Σ_{j in C} w_j / n_C
///     ∂L/∂w_i     = Σ_{j in C} ∂L/∂effective_j                                  (equation 3)
///
/// The paper trains the centroids c; here the stored weights live on, and each gets the gradient
/// that the paper gives its centroid. So their mean moves as that centroid would under every
/// optimizer whose step is linear in gradients and weights (SGD, momentum, weight decay as well):
/// a constant offset from the mean is left to each weight, which weight decay shrinks with it.
/// Under Adam the weights of a cluster move alike once their moments are those of common gradients;
/// moments from before sharing make the steps differ a little until they are forgotten, and the
/// centroid moves by the mean step.
///
/// A weight that is masked later leaves its cluster, and one that comes back goes to it again or,
/// if it never had one, to the nearest.
///
/// Options of a rule: `q_bits` (5; the paper has 8 for convolutions and 5 for fully connected
/// layers); `init: linear | density | random` (see `CodebookStart`); `start_epoch` (0).
class WeightSharingQuantizer : public Quantizer {
 public:
  WeightSharingQuantizer(Rules rules = {}) : Quantizer(std::move(rules)) {}  // NOLINT: rules in {}

  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override;
  /// Equation 3; the plain gradient for a weight that is 0.
  Tensor rounding_gradient(const LayerInfo& layer, const Tensor& weight,
                           const Tensor& gradient) override;
  WeightLevels weight_levels(const LayerInfo& layer) const override {
    return {.bits = options_of(layer).bits, .zero_besides = true};
  }
  QuantizedTensors quantized_tensors(const LayerInfo&) const override {
    return {.weight = true, .input = false, .result = false};
  }
  bool preserves_zero(const LayerInfo&) const override { return true; }

  /// The values that the layer computes with, and which weight has which: for whoever stores them.
  /// \throws Error where weights are not shared yet
  Codebook codebook(const LayerInfo& layer) const;

  void visit_state(nn::StateVisitor& state) override;
  std::string rule_note(int rule) const override;
  std::vector<std::string> findings() const override;

 private:
  struct Options {
    int bits;
    CodebookStart start;
  };
  /// Of each weight the number of its cluster, from 1; 0: none.
  using Clusters = std::vector<uint16_t>;
  /// The weights in clusters: those that are not 0.
  struct Centroids {
    std::vector<double> sums;
    std::vector<int64_t> counts;
    double mean(size_t cluster) const {
      return sums[cluster] / static_cast<double>(counts[cluster]);
    }
  };
  void read_rule(int rule, MapReader& options) override;
  void keep_weights(const LayerInfo& layer, int axis, std::span<const int64_t> indices) override;
  bool acts_on_activations() const override { return false; }
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;
  Clusters find_clusters(const LayerInfo& layer, const Tensor& weight) const;
  Centroids centroids(const Clusters& clusters, const Tensor& weight) const;
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }

  std::vector<Options> options_;    // by rule
  std::vector<Clusters> clusters_;  // by layer; empty until sharing begins
};

}  // namespace espalier::compress
