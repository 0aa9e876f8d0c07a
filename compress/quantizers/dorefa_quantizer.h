#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/quantizer.h"
#include "espalier/compress/stored_tensors.h"

namespace espalier::compress {

/// DoReFa-Net (Zhou et al., *Training Low Bitwidth Convolutional Neural Networks with Low Bitwidth
/// Gradients*, arXiv 1606.06160). With quantize_k(x) = round((2ᵏ − 1)·x)/(2ᵏ − 1) for x in [0, 1]
/// (equation 5):
///
///     weights, 1 bit      E·sign(w), E the mean of |w|, sign(0) = 1          (equation 7)
///     weights, k bits     2·quantize_k(tanh(w)/(2·max|tanh w|) + ½) − 1      (equation 9)
///     activations         quantize_k(clip(x, 0, 1)), of each layer's input   (equation 11)
///     gradients dr of a layer's result, m = max|dr| over a sample            (equation 12)
///                         2·m·(quantize_k(clip(dr/(2m) + ½ + N, 0, 1)) − ½)
///
/// N is noise, uniform in (−½, ½)/(2ᵏ − 1), drawn for each element from a stream of its own. The
/// gradient of 1-bit weights passes straight through, that of k bits goes through tanh and the
/// maximum and passes only the rounding; that of the clip is 0 outside. A sample whose gradient is
/// zero keeps it.
///
/// As in section 3 of the paper the network's first and last layer stay in full precision, unless a
/// rule names them.
///
/// Deviations, both for what the paper does not have: where weights are masked, E is the mean over
/// those that are not. And k-bit weights lie in [−1, 1] whatever the scale of start values, which a
/// batch normalisation behind the layer makes up for; a layer without one gets a fixed gain, the
/// root mean square of its weights over that of their quantized values when quantization begins.
///
/// Options of a rule: `weight_bits` (or `q_bits`), `activation_bits`, `gradient_bits`, 32 for full
/// precision, which is what is not given; `start_epoch` (0).
class DoReFaQuantizer : public Quantizer {
 public:
  DoReFaQuantizer(Rules rules = {}) : Quantizer(std::move(rules)) {}  // NOLINT: rules in braces

  void preprocess_model(nn::Module& model) override { stored_ = StoredTensors::of(model); }
  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override;
  Tensor rounding_gradient(const LayerInfo& layer, const Tensor& weight,
                           const Tensor& gradient) override;
  Tensor quantize_input(const LayerInfo& layer, const Tensor& x) override;
  Tensor quantize_grad(const LayerInfo& layer, const Tensor& gradient) override;
  WeightLevels weight_levels(const LayerInfo& layer) const override {
    return {.bits = options_of(layer).weight_bits};
  }
  QuantizedTensors quantized_tensors(const LayerInfo& layer) const override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<std::string> notes() const override;

 private:
  struct Options {
    int weight_bits, activation_bits, gradient_bits;
  };
  void read_rule(int rule, MapReader& options) override;
  std::string reason_to_leave_out(const LayerInfo& layer, int place, int count) const override;
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }
  bool has_gain(const LayerInfo& layer) const {
    return options_of(layer).weight_bits > 1 && !stored_.around(layer.name).batch_norm;
  }

  StoredTensors stored_;
  std::vector<Options> options_;    // by rule
  std::vector<float> gains_;        // by layer: 0 until quantization begins
  std::vector<float> seen_gains_;   // by layer: what it would be, for notes
  std::vector<int64_t> backwards_;  // by layer: backward passes that have drawn noise
};

}  // namespace espalier::compress
