#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/compressor.h"

namespace espalier::compress {

/// On how many values the quantized weights of a layer may lie: at most 2^bits for the whole tensor
/// or, if `per_channel`, for each index of its first axis.
struct WeightLevels {
  int bits = 32;  ///< 32: no limit
  bool per_channel = false;
  bool zero_besides = false;  ///< 0, which masks make, is one more
};

/// On which tensors of a layer a quantizer acts. Several quantizers may share a layer as long as no
/// tensor belongs to two of them.
struct QuantizedTensors {
  bool weight = true;
  bool input = true;
  bool result = true;  ///< of the layer; its gradient goes with it
};

/// The base of quantizers. A quantizer of your own says what a layer computes with instead of its
/// weight:
///
///     class Ternary : public compress::Quantizer {
///      public:
///       using Quantizer::Quantizer;
///       Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override { … }
///     };
///     Ternary quantizer;
///     quantizer(net);
///
/// The stored weight is never touched: the layer computes with the result of `quantize_weight`, and
/// the optimizer moves the stored value by the gradient of that result. Without rules it works on
/// all Conv2d and Linear weights. Option of every rule, beside those that choose layers:
/// `start_epoch` (0), before which the layer computes in full precision.
///
/// **Gradients.** What a hook computes with operations of ops.h (`clamp`, `round_straight_through`,
/// `fake_quantize`, …) has their gradient. A result made by hand (`Tensor::generate`, a loop over
/// a `NewTensor`) passes the gradient straight through, or as `rounding_gradient` says.
///
/// A quantizer acts as long as it lives: when it goes, the network is the float network again. It
/// must not go between a forward pass and its backward.
class Quantizer : public Compressor {
 public:
  explicit Quantizer(Rules rules = {}) : Compressor(std::move(rules)) {}
  ~Quantizer() override;

  // The hooks; each returns its last argument if not overridden. They run in each forward pass, or
  // backward pass, of the layer once its `start_epoch` has come.

  /// What the layer computes with. `weight` is the stored value behind all masks; where it is
  /// masked the layer gets 0, whatever this returns. Same shape, finite values.
  virtual Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight);
  /// What the layer computes with instead of its input.
  virtual Tensor quantize_input(const LayerInfo& layer, const Tensor& x);
  /// What the layers behind get instead of this layer's result.
  virtual Tensor quantize_output(const LayerInfo& layer, const Tensor& y);
  /// What the layer's backward gets instead of the gradient of its result.
  virtual Tensor quantize_grad(const LayerInfo& layer, const Tensor& gradient);
  /// The gradient of what a hook made by hand from `value`, given that of its result.
  virtual Tensor rounding_gradient(const LayerInfo& layer, const Tensor& value,
                                   const Tensor& gradient);

  /// What `quantize_weight` promises of its result, for `check_laws` and for whoever stores it.
  virtual WeightLevels weight_levels(const LayerInfo& /*layer*/) const { return {}; }
  /// What the hooks act on; the others are not called.
  virtual QuantizedTensors quantized_tensors(const LayerInfo& /*layer*/) const { return {}; }
  /// Whether 0 stays exactly 0 in `quantize_weight`. If not, masks are applied once more behind it.
  virtual bool preserves_zero(const LayerInfo& /*layer*/) const { return false; }

  /// The weight of a layer is about to lose channels: of `layer.parameter`, which still has all,
  /// only these indices of the axis stay. A quantizer that keeps something for each weight keeps
  /// the same of it.
  virtual void keep_weights(const LayerInfo& /*layer*/, int /*axis*/,
                            std::span<const int64_t> /*indices*/) {}

  /// Switches to full precision and back. What is stored is the same either way.
  void set_enabled(bool on) { enabled_ = on; }
  bool enabled() const { return enabled_; }
  /// Whether it acts on the layer now.
  bool acts_on(const LayerInfo& layer) const {
    const bool finished = for_evaluation() && !epoch_announced();
    return enabled_ && (finished || epoch() >= start_epoch(layer.rule));
  }

  /// Quantizes the weight of every layer once and looks whether the result has the weight's shape,
  /// is finite, and lies on no more values than `weight_levels` promises. Debug builds do so when
  /// attaching. \throws Error naming the layer and the rule
  void check_laws();

  std::string_view verb() const override { return "quantize"; }
  std::vector<ScheduleEnd> schedule_ends(int64_t epochs, int64_t steps_per_epoch) const override;

 protected:
  void read_rule(int rule, MapReader& options) override;
  /// From which epoch the rule acts.
  int start_epoch(int rule) const;
  bool acts_on_activations() const override { return true; }
  bool waits_for_epoch() const override;
  void attach_activations(const LayerInfo& layer) override;
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override { take_off(); }

  // For quantizers that act elsewhere than on layers with weights. What is put into place is taken
  // off when the quantizer goes. \throws Error when another quantizer is there already
  void put_on_input(nn::ModuleRecord& module, std::shared_ptr<nn::ActivationTransform> transform);
  void put_on_output(nn::ModuleRecord& module, std::shared_ptr<nn::ActivationTransform> transform);
  void put_on_parameter(nn::Parameter& parameter, std::shared_ptr<nn::WeightTransform> transform);

 private:
  class Weight;
  class Input;
  class Output;
  void attach_layer(const LayerInfo& layer) override;
  void take_off();
  Tensor checked(const LayerInfo& layer, const char* hook, const Tensor& value,
                 const Tensor& result) const;
  /// The result with the gradient that it should have.
  Tensor recorded(const LayerInfo& layer, const Tensor& value, const Tensor& result);

  std::vector<int> start_epochs_;  // by rule
  std::vector<std::shared_ptr<Weight>> weights_;
  bool enabled_ = true;

  struct PlacedOnParameter {
    nn::Parameter* parameter;
    std::shared_ptr<nn::WeightTransform> transform;
  };
  struct PlacedOnModule {
    std::shared_ptr<nn::ActivationTransform>* place;
    std::shared_ptr<nn::ActivationTransform> transform;
  };
  // The places are part of the model, which the base class keeps alive.
  void put(nn::ModuleRecord& module, const char* what,
           std::shared_ptr<nn::ActivationTransform>& place,
           std::shared_ptr<nn::ActivationTransform> transform);
  std::vector<PlacedOnParameter> on_parameters_;
  std::vector<PlacedOnModule> on_modules_;
};

}  // namespace espalier::compress
