#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/quantizers/integer_quantizer.h"

namespace espalier::compress {

/// Quantization-aware training (Jacob et al., *Quantization and Training of Neural Networks for
/// Efficient Integer-Arithmetic-Only Inference*, CVPR 2018, arXiv 1712.05877): the network trains
/// with the values that an engine of integers would compute with (see `IntegerQuantizer`), so that
/// it learns to live with them. The gradient is 1 inside a range and 0 outside. The range of an
/// activation follows the batches (see `MovingRange`).
///
/// Options of a rule: `q_bits` (8) for both, or `weight_bits` and `activation_bits`;
/// `first_last_bits` (8), the least that the first layer's weights and input and the last layer's
/// weights and result get; `per_channel` (true); `symmetric` (weights only) or `true` or `false`
/// for both; `quant_start_step` (0), the optimizer update from which activations are quantized;
/// `ema_decay` (0.999); `freeze_observers_epoch` and `freeze_bn_epoch`, from which ranges and the
/// statistics of batch normalisation stay as they are (never); `start_epoch` (0); `paper: true`,
/// one affine grid for all of a weight.
class QATQuantizer : public IntegerQuantizer {
 public:
  QATQuantizer(Rules rules = {}) : IntegerQuantizer(std::move(rules)) {}  // NOLINT: rules in braces
  ~QATQuantizer() override;

  /// Spellings of other toolkits.
  std::vector<std::string> aliases() const override { return {"QAT_Quantizer", "QATquantizer"}; }
  void update_epoch(int epoch) override;
  void visit_state(nn::StateVisitor& state) override;
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;

 private:
  struct Options {
    int64_t quant_start_step;
    double ema_decay;
    std::optional<int64_t> freeze_observers_epoch, freeze_bn_epoch;
  };
  void read_rule(int rule, MapReader& options) override;
  std::shared_ptr<ActivationRange> make_range(const LayerInfo& layer,
                                              const ActivationRange::Options& options) override;
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;
  void on_update() override { follow_clock(); }
  /// Whether it is time to quantize, and to freeze.
  void follow_clock();
  void let_statistics_go();
  const Options& options_of(const LayerInfo& layer) const {
    return options_[static_cast<size_t>(layer.rule)];
  }

  std::vector<Options> options_;                      // by rule
  std::vector<std::shared_ptr<MovingRange>> moving_;  // the ranges, in their order
};

}  // namespace espalier::compress
