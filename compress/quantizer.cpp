#include "espalier/compress/quantizer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/late_start.h"

namespace espalier::compress {

/// The quantize stage of a weight.
class Quantizer::Weight : public nn::WeightTransform {
 public:
  Weight(Quantizer& quantizer, const LayerInfo& layer)
      : quantizer_(quantizer), layer_(layer), name_(quantizer.name()) {}

  Stage stage() const override { return Stage::quantize; }
  std::string_view name() const override { return name_; }
  bool preserves_zero() const override {
    return !quantizer_.acts_on(layer_) || quantizer_.preserves_zero(layer_);
  }
  Tensor apply(const Tensor& weight) const override {
    if (!quantizer_.acts_on(layer_)) return weight;
    const Tensor result = quantizer_.quantize_weight(layer_, weight);
    quantizer_.checked(layer_, "quantize_weight", weight, result);
    for (const float value : result.values()) {
      if (std::isfinite(value)) continue;
      throw Error(name_, "quantize_weight returned " + std::to_string(value) + " for layer '" +
                             layer_.name + "' (" + quantizer_.rule_name(layer_.rule) +
                             "): every value must be a finite number");
    }
    return quantizer_.recorded(layer_, weight, result);
  }
  void keep(int axis, std::span<const int64_t> indices) override {
    quantizer_.keep_weights(layer_, axis, indices);
  }
  const LayerInfo& layer() const { return layer_; }

 private:
  Quantizer& quantizer_;
  const LayerInfo& layer_;  // one of the quantizer's, whose shape follows the weight
  std::string name_;
};

class Quantizer::Input : public nn::ActivationTransform {
 public:
  Input(Quantizer& quantizer, const LayerInfo& layer)
      : quantizer_(quantizer), layer_(layer), name_(quantizer.name()) {}

  std::string_view name() const override { return name_; }
  Tensor apply(const Tensor& x, bool /*training*/) override {
    if (!quantizer_.acts_on(layer_)) return x;
    const Tensor result = quantizer_.quantize_input(layer_, x);
    return quantizer_.recorded(layer_, x, quantizer_.checked(layer_, "quantize_input", x, result));
  }

 private:
  Quantizer& quantizer_;
  const LayerInfo& layer_;  // one of the quantizer's, whose shape follows the weight
  std::string name_;
};

/// The layer's result forward, and the gradient of it backward.
class Quantizer::Output : public nn::ActivationTransform {
 public:
  Output(Quantizer& quantizer, const LayerInfo& layer)
      : quantizer_(quantizer), layer_(layer), name_(quantizer.name()) {}

  std::string_view name() const override { return name_; }
  Tensor apply(const Tensor& y, bool /*training*/) override {
    if (!quantizer_.acts_on(layer_)) return y;
    const Tensor watched = record(
        "quantize_grad", {&y}, y.detach(), {}, [this](const Tensor& g, InputGradients& into) {
          NoGrad no_grad;
          const Tensor quantized = quantizer_.quantize_grad(layer_, g);
          into.add(0, quantizer_.checked(layer_, "quantize_grad", g, quantized));
        });
    const Tensor result = quantizer_.quantize_output(layer_, watched);
    return quantizer_.recorded(layer_, watched,
                               quantizer_.checked(layer_, "quantize_output", watched, result));
  }

 private:
  Quantizer& quantizer_;
  const LayerInfo& layer_;  // one of the quantizer's, whose shape follows the weight
  std::string name_;
};

Quantizer::~Quantizer() {
  take_off();
}

void Quantizer::take_off() {
  for (const PlacedOnParameter& placed : on_parameters_)
    placed.parameter->detach(placed.transform.get());
  for (const PlacedOnModule& placed : on_modules_) {
    if (*placed.place == placed.transform) placed.place->reset();
  }
  on_parameters_.clear();
  on_modules_.clear();
  weights_.clear();
}

Tensor Quantizer::quantize_weight(const LayerInfo&, const Tensor& weight) {
  return weight;
}
Tensor Quantizer::quantize_input(const LayerInfo&, const Tensor& x) {
  return x;
}
Tensor Quantizer::quantize_output(const LayerInfo&, const Tensor& y) {
  return y;
}
Tensor Quantizer::quantize_grad(const LayerInfo&, const Tensor& gradient) {
  return gradient;
}
Tensor Quantizer::rounding_gradient(const LayerInfo&, const Tensor&, const Tensor& gradient) {
  return gradient;
}

void Quantizer::read_rule(int rule, MapReader& options) {
  start_epochs_.resize(static_cast<size_t>(rule) + 1, 0);
  start_epochs_.back() = static_cast<int>(
      options.integer("start_epoch", {.min = 0,
                                      .max = 1000000,
                                      .fallback = 0,
                                      .help = "the epoch, counted from 0, in which quantization "
                                              "begins; full precision before"}));
}

int Quantizer::start_epoch(int rule) const {
  // A subclass may read its own options without passing the call on: then the default holds.
  const auto number = static_cast<size_t>(rule);
  return number < start_epochs_.size() ? start_epochs_[number] : 0;
}

std::vector<ScheduleEnd> Quantizer::schedule_ends(int64_t epochs, int64_t steps_per_epoch) const {
  std::vector<ScheduleEnd> ends;
  for (int rule = 0; rule < static_cast<int>(start_epochs_.size()); ++rule) {
    const LateStart start{start_epoch(rule), true, "start_epoch", "its start",
                          "nothing is quantized"};
    if (in_use(rule) && is_late(start, epochs, steps_per_epoch))
      ends.push_back(end_of(start, rule, epochs, steps_per_epoch));
  }
  return ends;
}

bool Quantizer::waits_for_epoch() const {
  return std::any_of(layers().begin(), layers().end(),
                     [&](const LayerInfo& layer) { return start_epoch(layer.rule) > 0; });
}

void Quantizer::attach_layer(const LayerInfo& layer) {
  if (!quantized_tensors(layer).weight) return;
  using Stage = nn::WeightTransform::Stage;
  if (const nn::WeightTransform* present = layer.parameter->transform(Stage::quantize)) {
    throw Error(name(), "the weight of layer '" + layer.name + "' is quantized by " +
                            std::string(present->name()) + " already, and " +
                            rule_name(layer.rule) +
                            " chooses it too; take it out of one of them ('prune: false' or "
                            "'exclude: true' with 'support_op: " +
                            layer.name + "')");
  }
  weights_.push_back(std::make_shared<Weight>(*this, layer));
  put_on_parameter(*layer.parameter, weights_.back());
}

void Quantizer::attach_activations(const LayerInfo& layer) {
  const QuantizedTensors tensors = quantized_tensors(layer);
  if (tensors.input) put_on_input(*layer.module, std::make_shared<Input>(*this, layer));
  if (tensors.result) put_on_output(*layer.module, std::make_shared<Output>(*this, layer));
}

void Quantizer::put_on_input(nn::ModuleRecord& module,
                             std::shared_ptr<nn::ActivationTransform> transform) {
  put(module, "input", module.input_transform, std::move(transform));
}

void Quantizer::put_on_output(nn::ModuleRecord& module,
                              std::shared_ptr<nn::ActivationTransform> transform) {
  put(module, "result", module.output_transform, std::move(transform));
}

void Quantizer::put(nn::ModuleRecord& module, const char* what,
                    std::shared_ptr<nn::ActivationTransform>& place,
                    std::shared_ptr<nn::ActivationTransform> transform) {
  if (place) {
    throw Error(name(), std::string("the ") + what + " of layer '" + module.name +
                            "' is quantized by " + std::string(place->name()) +
                            " already; take the layer out of one of them. (A quantizer of your "
                            "own says in quantized_tensors what it acts on.)");
  }
  on_modules_.push_back({&place, transform});
  place = std::move(transform);
}

void Quantizer::put_on_parameter(nn::Parameter& parameter,
                                 std::shared_ptr<nn::WeightTransform> transform) {
  parameter.attach(transform);
  on_parameters_.push_back({&parameter, std::move(transform)});
}

void Quantizer::on_attached(nn::Module& /*model*/) {
#ifndef NDEBUG
  check_laws();
#endif
}

Tensor Quantizer::checked(const LayerInfo& layer, const char* hook, const Tensor& value,
                          const Tensor& result) const {
  if (result.defined() && result.shape() == value.shape()) return result;
  throw Error(name(), std::string(hook) + " returned " +
                          (result.defined() ? "the shape " + result.shape().to_string()
                                            : std::string("nothing")) +
                          " for layer '" + layer.name + "' (" + rule_name(layer.rule) +
                          "), where the shape is " + value.shape().to_string());
}

Tensor Quantizer::recorded(const LayerInfo& layer, const Tensor& value, const Tensor& result) {
  if (result.storage() == value.storage() || result.requires_grad()) return result;
  if (Recorder::tracing() && result.graph()) return result;  // a trace has it already
  return record("quantize", {&value}, result, {},
                [this, &layer, value = Saved(value)](const Tensor& g, InputGradients& into) {
                  NoGrad no_grad;
                  const Tensor gradient = rounding_gradient(layer, value.get("quantize"), g);
                  into.add(0, checked(layer, "rounding_gradient", g, gradient));
                });
}

void Quantizer::check_laws() {
  NoGrad no_grad;
  for (const auto& weight : weights_) {
    const LayerInfo& layer = weight->layer();
    if (!acts_on(layer)) continue;
    const Tensor result = layer.parameter->effective_value();
    const WeightLevels promised = weight_levels(layer);
    if (promised.bits >= 24) continue;  // a float has no more
    const int64_t groups = promised.per_channel ? layer.shape[0] : 1;
    const int64_t elements = result.size() / groups;
    for (int64_t group = 0; group < groups; ++group) {
      const float* first = result.data() + group * elements;
      const std::set<float> levels(first, first + elements);
      // A mask puts a 0 beside the levels of a grid that has none.
      const bool besides = promised.zero_besides || !preserves_zero(layer);
      const size_t zero = besides ? levels.count(0.0f) : 0;
      if (levels.size() - zero <= size_t{1} << promised.bits) continue;
      throw Error(
          name(),
          "quantize_weight returned " + std::to_string(levels.size()) + " different values for " +
              (promised.per_channel ? "channel " + std::to_string(group) + " of " : std::string()) +
              "layer '" + layer.name + "' (" + rule_name(layer.rule) + "), more than the 2^" +
              std::to_string(promised.bits) + " that weight_levels promises");
    }
  }
}

}  // namespace espalier::compress
