#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/quantizer.h"
#include "espalier/compress/quantizers/activation_range.h"
#include "espalier/compress/stored_tensors.h"

namespace espalier::compress {

/// Quantization-aware training (Jacob et al., *Quantization and Training of Neural Networks for
/// Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, arXiv 1712.05877): the network trains
/// with the values that an engine of integers would compute with, so that it learns to live with
/// them.
///
///     code = round(x/scale) + zero_point, limited;   x → scale·(code − zero_point)     (equation
///     12)
///
/// with the gradient 1 inside the range and 0 outside. Weights have the range of the moment, with a
/// grid for each output channel, symmetric, and without the lowest code. Activations have a range
/// that follows the batches (see `ActivationRange`), and are quantized where an engine stores them
/// (see `StoredTensors`): the input, the result of each layer behind its batch normalisation and
/// activation function, sums, concatenations, average pooling. A bias without a batch normalisation
/// behind it is rounded to multiples of the weight's scale times the input's, as an int32 (section
/// 2.4).
///
/// Batch normalisation (section 3.2) is going to be folded into the weights. With a scale for each
/// channel that changes nothing: the factor of a channel multiplies its scale. With one scale for
/// all, weights are quantized as w·γ/σ, with the running σ, and multiplied by σ/γ behind it. That
/// is the paper's simulation with the correction of Krishnamoorthi, arXiv 1806.08342, section
/// 3.2.2, by which training normalises with the batch's statistics and evaluation with the running
/// ones.
///
/// Options of a rule: `q_bits` (8) for both, or `weight_bits` and `activation_bits`;
/// `first_last_bits` (8), the least that the first layer's weights and input and the last layer's
/// weights and result get; `per_channel` (true); `symmetric` (weights only) or `true` or `false`
/// for both; `quant_start_step` (0), the optimizer update from which activations are quantized;
/// `ema_decay` (0.999); `freeze_observers_epoch` and `freeze_bn_epoch`, from which ranges and the
/// statistics of batch normalisation stay as they are (never); `start_epoch` (0); `paper: true`,
/// one affine grid for all of a weight.
class QATQuantizer : public Quantizer {
 public:
  QATQuantizer(Rules rules = {}) : Quantizer(std::move(rules)) {}  // NOLINT: rules in braces
  ~QATQuantizer() override;

  /// Spellings of other toolkits.
  std::vector<std::string> aliases() const override { return {"QAT_Quantizer", "QATquantizer"}; }
  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override;
  WeightLevels weight_levels(const LayerInfo& layer) const override;
  bool preserves_zero(const LayerInfo&) const override { return true; }

  void preprocess_model(nn::Module& model) override { stored_ = StoredTensors::of(model); }
  void update_epoch(int epoch) override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<std::string> notes() const override;
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;

 private:
  struct Options {
    int weight_bits, activation_bits, first_last_bits;
    bool per_channel, symmetric_weights, symmetric_activations;
    int64_t quant_start_step;
    double ema_decay;
    std::optional<int64_t> freeze_observers_epoch, freeze_bn_epoch;
  };
  class Bias;
  /// A stored tensor that belongs to a layer of ours.
  struct Range {
    std::string path;
    const LayerInfo* layer;
    std::shared_ptr<ActivationRange> range;
  };

  void read_rule(int rule, MapReader& options) override;
  void attach_activations(const LayerInfo&) override {}  // those of on_attached
  void on_attached(nn::Module& model) override;
  void on_update() override { follow_clock(); }
  /// Whether it is time to quantize, and to freeze.
  void follow_clock();
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }
  int weight_bits(const LayerInfo& layer) const;
  int activation_bits(const StoredTensor& tensor, const LayerInfo& layer) const;
  bool is_first_or_last(const std::string& layer) const;
  const LayerInfo* layer_at(const std::string& path) const;

  StoredTensors stored_;
  std::string first_, last_;      // of the network's layers with weights
  std::vector<Options> options_;  // by rule
  std::vector<Range> ranges_;
  std::vector<std::vector<QuantizationGrid>> grids_;  // by layer: of its weight in the last forward
};

}  // namespace espalier::compress
