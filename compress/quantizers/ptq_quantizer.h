#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/quantizers/integer_quantizer.h"

namespace espalier::compress {

/// Post-training quantization: a network that was trained in full precision computes with the
/// values that an engine of integers would store (see `IntegerQuantizer`), without being trained
/// again. The ranges of activations are taken from a few pictures:
///
///     PTQQuantizer quantizer;
///     quantizer(net);
///     quantizer.calibrate([&] {
///       for (const auto& [images, labels] : loader) net(images);
///     });
///
/// Options of a rule: `q_bits` (8) for weights and activations, or `weight_bits` and
/// `activation_bits`; `first_last_bits` (8), the least that the first layer's weights and input and
/// the last layer's weights and result get; `per_channel` (true); `symmetric` (weights only), or
/// `true` or `false` for both; `observer`, how a range is found among the values seen:
///
///     minmax      from the smallest to the largest
///     percentile  without the outermost ones; `percentile` (99.99)
///     mse         such that the squared error of quantizing them is least (the default)
///
/// A weight that another quantizer has put on steps already stays on them, if their codes fit into
/// the bits of its rule: so a network whose weights alone are quantized becomes one of integers.
///
/// There is no `start_epoch`: it begins when it is calibrated.
class PTQQuantizer : public IntegerQuantizer {
 public:
  PTQQuantizer(Rules rules = {}) : IntegerQuantizer(std::move(rules)) {}  // NOLINT: rules in braces

  /// The spelling of another toolkit.
  std::vector<std::string> aliases() const override { return {"PtqQuantizer"}; }

  /// Finds the ranges of activations, and keeps them. While `forwards` runs, which is to call the
  /// model on pictures, the model is in evaluation mode (batch normalisation uses its running
  /// statistics), nothing is quantized, and no gradients are recorded.
  /// \throws Error when not attached, when some tensor was not computed or was not finite, and what
  /// `forwards` throws; then the ranges are those of before
  void calibrate(const std::function<void()>& forwards);
  bool calibrated() const { return calibrated_; }

  /// What quantization makes of a tensor.
  struct TensorError {
    std::string name;  ///< "conv1.weight", "relu1.output", "input"
    int bits;
    ValueRange range;  ///< of an activation as it is quantized, of a weight as it is
    double relative;   ///< √(Σ(x − Q(x))² / Σx²); 0 where all is 0
  };
  /// Of all weights as they are, each followed by the activations behind it as they were while
  /// calibrating, each by itself: errors that come in from the layers before are not in it.
  /// \throws Error before `calibrate`
  std::vector<TensorError> errors();

 private:
  class CalibratedRange;
  class Calibration;
  enum class Observer { minmax, percentile, mse };
  struct Options {
    Observer observer;
    double percentile;
  };
  void read_rule(int rule, MapReader& options) override;
  std::vector<QuantizationGrid> grids_of(const LayerInfo& layer,
                                         const Tensor& weight) const override;
  std::shared_ptr<ActivationRange> make_range(const LayerInfo& layer,
                                              const ActivationRange::Options& options) override;
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;
  TensorError weight_error(const LayerInfo& layer);

  std::vector<Options> options_;                                     // by rule
  std::vector<std::shared_ptr<CalibratedRange>> calibrated_ranges_;  // in the order of `ranges()`
  std::shared_ptr<nn::ModuleRecord> root_;                           // of the model
  bool calibrated_ = false;
};

}  // namespace espalier::compress
