#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/quantizer.h"
#include "espalier/compress/quantizers/activation_range.h"
#include "espalier/compress/stored_tensors.h"

namespace espalier::compress {

/// The base of quantizers that make a network compute with the values that an engine of integers
/// would store:
///
///     code = round(x/scale) + zero_point, limited;   x → scale·(code − zero_point)
///
/// (Jacob et al., arXiv 1712.05877, equation 12). Weights have the range of the moment, with a grid
/// for each output channel, symmetric, and without the lowest code. Activations are quantized where
/// an engine stores them (see `StoredTensors`): the input, the result of each layer behind its
/// batch normalisation and activation function, sums, concatenations, average pooling. A bias
/// without a batch normalisation behind it is rounded to multiples of the weight's scale times the
/// input's, as an int32 (section 2.4). Which range an activation has is for a subclass to find out.
///
/// Batch normalisation (section 3.2) is going to be folded into the weights. With a scale for each
/// channel that changes nothing: the factor of a channel multiplies its scale. With one scale for
/// all, weights are quantized as w·γ/σ, with the running σ, and multiplied by σ/γ behind it. That
/// is the paper's simulation with the correction of Krishnamoorthi, arXiv 1806.08342, section
/// 3.2.2, by which training normalises with the batch's statistics and evaluation with the running
/// ones.
class IntegerQuantizer : public Quantizer {
 public:
  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override;
  WeightLevels weight_levels(const LayerInfo& layer) const override;
  bool preserves_zero(const LayerInfo&) const override { return true; }

  void preprocess_model(nn::Module& model) override { stored_ = StoredTensors::of(model); }
  void visit_state(nn::StateVisitor& state) override;
  std::vector<std::string> notes() const override;

 protected:
  explicit IntegerQuantizer(Rules rules) : Quantizer(std::move(rules)) {}

  /// Options of a rule that say how wide grids are.
  struct Widths {
    int weight_bits, activation_bits, first_last_bits;
    bool per_channel, symmetric_weights, symmetric_activations;
  };
  /// A stored tensor that belongs to a layer of ours.
  struct Range {
    std::string path;  ///< "input", "relu1.output"
    const LayerInfo* layer;
    std::shared_ptr<ActivationRange> range;
  };

  /// Asks for `q_bits`, `weight_bits`, `activation_bits`, `first_last_bits`, `per_channel` and
  /// `symmetric`; from `read_rule`.
  /// \param one_affine_grid  for all of a weight, unless options say something else
  const Widths& read_widths(int rule, MapReader& options, bool one_affine_grid = false);
  const Widths& widths(const LayerInfo& layer) const {
    return widths_[static_cast<size_t>(layer.rule)];
  }
  /// The range of an activation of this layer.
  virtual std::shared_ptr<ActivationRange> make_range(const LayerInfo& layer,
                                                      const ActivationRange::Options& options) = 0;
  /// In the order of the network.
  const std::vector<Range>& ranges() const { return ranges_; }
  /// Directly behind the layer, or null.
  nn::BatchNorm2d* batch_norm(const LayerInfo& layer) const {
    return stored_.around(layer.name).batch_norm;
  }
  int weight_bits(const LayerInfo& layer) const;
  /// What a weight is quantized with that has no batch normalisation to be folded in, or a grid for
  /// each channel: the grids of its range.
  virtual std::vector<QuantizationGrid> grids_of(const LayerInfo& layer,
                                                 const Tensor& weight) const;

  void attach_activations(const LayerInfo&) override {}  // those of on_attached
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;

 private:
  class Bias;
  int activation_bits(const StoredTensor& tensor, const LayerInfo& layer) const;
  bool is_first_or_last(const std::string& layer) const;
  const LayerInfo* layer_at(const std::string& path) const;

  StoredTensors stored_;
  std::string first_, last_;    // of the network's layers with weights
  std::vector<Widths> widths_;  // by rule
  std::vector<Range> ranges_;
  std::vector<std::vector<QuantizationGrid>> grids_;  // by layer: of its weight in the last forward
};

}  // namespace espalier::compress
