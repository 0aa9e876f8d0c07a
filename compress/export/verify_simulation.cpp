#include "espalier/compress/export/verify_simulation.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::compress {
namespace {

/// The layer that computes an operation, if one does: its weights and its bias.
struct Weighted {
  const file::Weights* weights = nullptr;
  const file::Bias* bias = nullptr;
};
Weighted weighted(const file::Operation& operation) {
  if (const auto* layer = std::get_if<file::Convolution>(&operation.what))
    return {&layer->weights, &layer->bias};
  if (const auto* layer = std::get_if<file::Linear>(&operation.what))
    return {&layer->weights, &layer->bias};
  return {};
}

/// By how much a value may be off because the integer bias of the layer behind it was rounded: that
/// of the layer which computes it, maybe with a function of float32 in between.
double error_of_bias(const file::Network& network, int value) {
  const auto grid_of = [&](int number) -> const std::optional<file::Grid>& {
    return network.values[static_cast<size_t>(number)].grid;
  };
  constexpr double steepest = 1.5;  // of all functions: hardswish at 3
  double slope = 1;
  while (true) {
    const auto operation =
        std::find_if(network.operations.begin(), network.operations.end(),
                     [&](const file::Operation& each) { return each.output == value; });
    if (operation == network.operations.end()) return 0;
    const int input = operation->inputs[0];
    if (const Weighted layer = weighted(*operation); layer.weights) {
      if (!grid_of(input)) return 0;
      double step = 0, largest = 0;
      for (size_t output = 0; output < layer.bias->codes.size(); ++output) {
        const double own =
            double{layer.weights->scale(static_cast<int64_t>(output))} * grid_of(input)->scale;
        step = std::max(step, own);
        largest = std::max(largest, own * std::abs(layer.bias->codes[output]));
      }
      const double rounding =
          grid_of(value) ? bias_rounding(*grid_of(value)) : float_bias_rounding(largest);
      return slope * std::max(step, rounding) / 2;
    }
    // Codes are the same on both sides, and so is what is computed from them alone.
    if (operation->inputs.size() > 1 || grid_of(input)) return 0;
    if (std::holds_alternative<file::Activation>(operation->what)) slope *= steepest;
    value = input;
  }
}

/// What compares during one forward pass.
class Comparison {
 public:
  Comparison(const Description& network, const std::vector<PictureValues>& values,
             const std::function<void(const SimulationCheck&)>& progress)
      : network_(network), values_(values), progress_(progress) {}

  /// The next quantization of the forward pass: `before` goes in, `after` comes out.
  /// \return what the runtime has instead of `after`
  Tensor next(const Tensor& before, const Tensor& after) {
    if (number_ == network_.quantized.size())
      throw Error("verify", "the model quantizes more values than when it was described");
    const int value = network_.quantized[number_++];
    if (value < 0) return after;
    const file::Grid& grid = *network_.network.values[static_cast<size_t>(value)].grid;
    SimulationCheck check{
        .layer = LayerScope::current(),
        .allowed = 0.5 + 1.0 / 256 + error_of_bias(network_.network, value) / grid.scale};
    NewTensor result(after.shape());
    int64_t i = 0;
    for (const PictureValues& picture : values_) {
      for (const int64_t code : picture[static_cast<size_t>(value)].codes) {
        compare(static_cast<double>(before[i]), static_cast<int>(code), grid, check);
        result[i++] = grid.scale * static_cast<float>(code - grid.zero_point);
      }
    }
    if (i != after.size())
      throw Error("verify", "layer '" + check.layer + "' quantizes " +
                                std::to_string(after.size()) + " values, but the network has " +
                                std::to_string(i) + " codes of them");
    if (progress_) progress_(check);
    checks_.push_back(std::move(check));
    return result;
  }

  std::vector<SimulationCheck> checks() && {
    if (number_ != network_.quantized.size())
      throw Error("verify", "the model quantizes fewer values than when it was described");
    return std::move(checks_);
  }

 private:
  static void compare(double value, int code, const file::Grid& grid, SimulationCheck& check) {
    const double steps = std::clamp(value / double{grid.scale} + grid.zero_point,
                                    double(grid.lowest), double(grid.highest));
    ++check.compared;
    check.different += std::nearbyint(steps) != code;
    const double distance = std::abs(steps - code);
    // A value that is no number is infinitely far.
    check.furthest = std::isnan(distance) ? INFINITY : std::max(check.furthest, distance);
  }

  const Description& network_;
  const std::vector<PictureValues>& values_;
  const std::function<void(const SimulationCheck&)>& progress_;
  size_t number_ = 0;
  std::vector<SimulationCheck> checks_;
};

/// Stands in a quantizer's place and lets the layers behind see what the runtime has.
class Replacing : public nn::ActivationTransform {
 public:
  Replacing(std::shared_ptr<nn::ActivationTransform> replaced, Comparison& comparison)
      : replaced_(std::move(replaced)), comparison_(comparison) {}

  std::string_view name() const override { return replaced_->name(); }
  Tensor apply(const Tensor& x, bool training) override {
    const Trace trace(x);
    const Tensor y = replaced_->apply(trace.input(), training);
    const bool quantized =
        std::any_of(trace.operations().begin(), trace.operations().end(),
                    [](const TracedOperation& each) { return each.operation == "fake_quantize"; });
    return quantized ? comparison_.next(x, y) : y;
  }
  Tensor state() const override { return replaced_->state(); }
  void set_state(const Tensor& state) override { replaced_->set_state(state); }

 private:
  std::shared_ptr<nn::ActivationTransform> replaced_;
  Comparison& comparison_;
};

/// All quantizers of a model's activations are replaced while it lives.
class Replaced {
 public:
  Replaced(nn::Module& model, Comparison& comparison) {
    model.for_each_module([&](const std::string&, nn::Module& module) {
      replace(module.record()->input_transform, comparison);
      replace(module.record()->output_transform, comparison);
    });
  }
  ~Replaced() {
    for (const auto& [place, transform] : places_) *place = transform;
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  using Transform = std::shared_ptr<nn::ActivationTransform>;
  void replace(Transform& place, Comparison& comparison) {
    if (!place) return;
    places_.emplace_back(&place, place);
    place = std::make_shared<Replacing>(place, comparison);
  }

  std::vector<std::pair<Transform*, Transform>> places_;
};

}  // namespace

std::vector<SimulationCheck> verify_simulation(
    nn::Module& model, const Description& network, const Tensor& pictures,
    const std::vector<PictureValues>& values,
    const std::function<void(const SimulationCheck&)>& progress) {
  const nn::EvaluationMode evaluation(model);
  const NoGrad no_grad;
  Comparison comparison(network, values, progress);
  {
    const Replaced replaced(model, comparison);
    model(pictures);
  }
  return std::move(comparison).checks();
}

}  // namespace espalier::compress
