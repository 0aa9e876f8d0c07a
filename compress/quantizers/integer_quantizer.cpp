#include "espalier/compress/quantizers/integer_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "espalier/autograd/ops.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {
namespace {

/// A tensor like `weight` that has `factors[o]` wherever its first index is o.
Tensor by_channel(const Tensor& weight, const std::vector<float>& factors) {
  const int64_t elements = weight.size() / weight.shape()[0];
  NewTensor result(weight.shape());
  float* row = result.data();
  for (const float factor : factors) row = std::fill_n(row, elements, factor);
  return result;
}

}  // namespace

/// Multiples of weight scale times input scale.
class IntegerQuantizer::Bias : public nn::WeightTransform {
 public:
  Bias(const IntegerQuantizer& quantizer, const LayerInfo& layer,
       std::shared_ptr<ActivationRange> input)
      : quantizer_(quantizer), name_(quantizer.name()), layer_(layer), input_(std::move(input)) {}

  Stage stage() const override { return Stage::quantize; }
  std::string_view name() const override { return name_; }
  Tensor apply(const Tensor& bias) const override {
    const auto& weights = quantizer_.grids_[static_cast<size_t>(layer_.index)];
    if (!quantizer_.acts_on(layer_) || !input_->quantizes() || weights.empty()) return bias;
    const float scale = input_->grid().scale;
    std::vector<QuantizationGrid> grids;
    for (const QuantizationGrid& weight : weights) {
      grids.push_back({.scale = weight.scale * scale,
                       .zero_point = 0,
                       .lowest = -std::numeric_limits<int32_t>::max(),
                       .highest = std::numeric_limits<int32_t>::max()});
    }
    return fake_quantize(bias, grids);
  }

 private:
  const IntegerQuantizer& quantizer_;
  std::string name_;
  const LayerInfo& layer_;  // of the quantizer, whose shape follows when channels are removed
  std::shared_ptr<ActivationRange> input_;
};

Tensor IntegerQuantizer::quantize_weight(const LayerInfo& layer, const Tensor& weight) {
  const Widths& o = widths(layer);
  auto& grids = grids_[static_cast<size_t>(layer.index)];
  const nn::BatchNorm2d* norm = batch_norm(layer);
  if (o.per_channel || !norm) {
    grids = grids_of(layer, weight);
    return fake_quantize(weight, grids);
  }
  // A channel whose γ is 0 has no result, whatever its weights; it must not divide by zero.
  constexpr float smallest = 1e-12f;
  std::vector<float> factors = norm->folding_factors(), inverse;
  for (float& factor : factors) {
    if (std::abs(factor) < smallest) factor = smallest;
    inverse.push_back(1 / factor);
  }
  const Tensor folded = multiply(weight, by_channel(weight, factors));
  grids = weight_grids(folded, weight_bits(layer), false, o.symmetric_weights);
  return multiply(fake_quantize(folded, grids), by_channel(weight, inverse));
}

std::vector<QuantizationGrid> IntegerQuantizer::grids_of(const LayerInfo& layer,
                                                         const Tensor& weight) const {
  const Widths& o = widths(layer);
  return weight_grids(weight, weight_bits(layer), o.per_channel, o.symmetric_weights);
}

WeightLevels IntegerQuantizer::weight_levels(const LayerInfo& layer) const {
  // Behind a batch normalisation each channel has a factor of its own in any case.
  return {.bits = weight_bits(layer),
          .per_channel = widths(layer).per_channel || batch_norm(layer) != nullptr};
}

const IntegerQuantizer::Widths& IntegerQuantizer::read_widths(int rule, MapReader& options,
                                                              bool one_affine_grid) {
  const auto bits = [&](const char* key, int64_t fallback, const char* help) {
    return static_cast<int>(
        options.integer(key, {.min = 2, .max = 16, .fallback = fallback, .help = help}));
  };
  Widths o{};
  const int both = bits("q_bits", 8, "bits of weights and activations");
  o.weight_bits = bits("weight_bits", both, "bits of weights; those of q_bits if not given");
  o.activation_bits =
      bits("activation_bits", both, "bits of activations; those of q_bits if not given");
  o.first_last_bits = bits("first_last_bits", 8,
                           "the least for the first layer's weights and input and the last layer's "
                           "weights and result");
  o.per_channel = options.boolean("per_channel", !one_affine_grid,
                                  "a grid for each output channel of a weight, or one for all");
  o.symmetric_weights = !one_affine_grid;
  o.symmetric_activations = false;
  if (const Value* symmetric = options.find(
          "symmetric",
          {.allowed = "true or false",
           .help = "codes around 0 for weights and activations; weights alone if not given"})) {
    if (!symmetric->is_boolean())
      options.fail("symmetric", "must be true or false, not " + symmetric->describe());
    o.symmetric_weights = o.symmetric_activations = symmetric->as_boolean();
  }
  widths_.resize(static_cast<size_t>(rule) + 1);
  widths_.back() = o;
  return widths_.back();
}

void IntegerQuantizer::on_attached(nn::Module& model) {
  const std::vector<LayerInfo> all = compressible_layers(model);
  if (!all.empty()) {
    first_ = all.front().name;
    last_ = all.back().name;
  }
  grids_.resize(layers().size());
  std::map<int, std::shared_ptr<ActivationRange>> by_number;
  for (size_t number = 0; number < stored_.tensors.size(); ++number) {
    const StoredTensor& tensor = stored_.tensors[number];
    const LayerInfo* layer = layer_at(tensor.weighted);
    if (!layer) continue;
    auto range = make_range(*layer, {.bits = activation_bits(tensor, *layer),
                                     .symmetric = widths(*layer).symmetric_activations});
    const bool is_input = tensor.kind == StoredTensor::Kind::input;
    if (is_input) {
      put_on_input(*tensor.module->record(), range);
    } else {
      put_on_output(*tensor.module->record(), range);
    }
    ranges_.push_back({is_input ? "input" : tensor.path + ".output", layer, range});
    by_number[static_cast<int>(number)] = range;
  }
  for (const LayerInfo& layer : layers()) {
    const LayerSurroundings around = stored_.around(layer.name);
    const auto input = by_number.find(around.input);
    if (around.batch_norm || input == by_number.end()) continue;
    for (const auto& parameter : layer.module->parameters) {
      if (parameter->role() != nn::Role::bias) continue;
      put_on_parameter(*parameter, std::make_shared<Bias>(*this, layer, input->second));
    }
  }
  Quantizer::on_attached(model);
}

void IntegerQuantizer::on_attach_failed() {
  Quantizer::on_attach_failed();
  ranges_.clear();
  grids_.clear();
}

void IntegerQuantizer::visit_state(nn::StateVisitor& state) {
  Quantizer::visit_state(state);
  for (const Range& range : ranges_) {
    Tensor value = range.range->state();
    state("range." + range.path, value);
    if (state.restores()) range.range->set_state(value);
  }
}

std::vector<std::string> IntegerQuantizer::notes() const {
  std::vector<std::string> lines;
  const auto raised = std::any_of(layers().begin(), layers().end(), [&](const LayerInfo& layer) {
    const Widths& o = widths(layer);
    return is_first_or_last(layer.name) &&
           o.first_last_bits > std::min(o.weight_bits, o.activation_bits);
  });
  lines.push_back(fmt::format("{} activation tensors are quantized", ranges_.size()));
  if (raised && !layers().empty()) {
    lines.back() +=
        fmt::format("; first and last layer ({}, {}), input and result with at least {} bits",
                    first_, last_, widths(layers().front()).first_last_bits);
  }
  return lines;
}

int IntegerQuantizer::weight_bits(const LayerInfo& layer) const {
  const Widths& o = widths(layer);
  return is_first_or_last(layer.name) ? std::max(o.weight_bits, o.first_last_bits) : o.weight_bits;
}

int IntegerQuantizer::activation_bits(const StoredTensor& tensor, const LayerInfo& layer) const {
  const Widths& o = widths(layer);
  const bool outermost = tensor.kind == StoredTensor::Kind::input ||
                         (tensor.kind == StoredTensor::Kind::layer && tensor.weighted == last_);
  return outermost ? std::max(o.activation_bits, o.first_last_bits) : o.activation_bits;
}

bool IntegerQuantizer::is_first_or_last(const std::string& layer) const {
  return layer == first_ || layer == last_;
}

const LayerInfo* IntegerQuantizer::layer_at(const std::string& path) const {
  const auto found = std::find_if(layers().begin(), layers().end(),
                                  [&](const LayerInfo& layer) { return layer.name == path; });
  return found == layers().end() ? nullptr : &*found;
}

}  // namespace espalier::compress
