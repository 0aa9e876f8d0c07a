#include "espalier/compress/quantizers/dorefa_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/random.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {
namespace {

constexpr int full_precision = 32;

float steps_of(int bits) {
  return static_cast<float>((int64_t{1} << bits) - 1);
}

/// Equation 5, for x in [0, 1]. A float from 2²³ on has no bits for a fraction, so adding and
/// taking away that much rounds, ties to even.
float quantize_k(float x, float steps) {
  constexpr float no_fraction = 0x1p23f;
  return ((steps * x + no_fraction) - no_fraction) / steps;
}

/// max|t|, and 1 where all are 0.
float divisor_of(const Tensor& t) {
  const float largest = largest_magnitude(t);
  return largest > 0 ? largest : 1;
}

/// The mean of |w| over weights that are not masked.
float mean_magnitude(const Tensor& weight) {
  double sum = 0;
  int64_t count = 0;
  for (const float w : weight.values()) {
    sum += std::abs(double{w});
    count += w != 0;
  }
  return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0;
}

/// √(Σ w² / Σ q²) over weights that are not masked.
float scale_between(std::span<const float> weight, std::span<const float> quantized) {
  double of_weight = 0, of_quantized = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    if (weight[i] == 0) continue;
    of_weight += double{weight[i]} * double{weight[i]};
    of_quantized += double{quantized[i]} * double{quantized[i]};
  }
  return of_quantized > 0 ? static_cast<float>(std::sqrt(of_weight / of_quantized)) : 1;
}

}  // namespace

Tensor DoReFaQuantizer::quantize_weight(const LayerInfo& layer, const Tensor& weight) {
  const int bits = options_of(layer).weight_bits;
  NewTensor result(weight.shape());
  if (bits == 1) {
    const float mean = mean_magnitude(weight);
    for (int64_t i = 0; i < weight.size(); ++i) result[i] = weight[i] < 0 ? -mean : mean;
    return result;
  }
  const Tensor t = tanh(weight.detach());  // our own gradient is below
  const float steps = steps_of(bits), largest = divisor_of(t);
  for (int64_t i = 0; i < weight.size(); ++i)
    result[i] = 2 * quantize_k(t[i] / (2 * largest) + 0.5f, steps) - 1;
  if (!has_gain(layer)) return result;
  const size_t index = static_cast<size_t>(layer.index);
  float gain = gains_[index];
  if (gain == 0) {
    gain = scale_between(weight.values(), result.values());
    // It is fixed by the first forward pass of training: others may only be looking.
    if (Recorder::wants_backward(std::array{&weight})) gains_[index] = gain;
    seen_gains_[index] = gain;
  }
  for (float& value : result.values()) value *= gain;
  return result;
}

/// With t = tanh w, M = max|t| at position p and the rounding left out, y = gain·t/M:
///
///     ∂y_i/∂t_i = gain/M,   ∂y_i/∂t_p = −gain·t_i·sign(t_p)/M² besides,   ∂t/∂w = 1 − t²
Tensor DoReFaQuantizer::rounding_gradient(const LayerInfo& layer, const Tensor& weight,
                                          const Tensor& gradient) {
  if (options_of(layer).weight_bits == 1) return gradient;
  const float fixed = gains_[static_cast<size_t>(layer.index)];
  const float gain = has_gain(layer) && fixed > 0 ? fixed : 1;
  const auto by_magnitude = [](float a, float b) { return std::abs(a) < std::abs(b); };
  const std::span<const float> values = weight.values();
  const int64_t at = std::max_element(values.begin(), values.end(), by_magnitude) - values.begin();
  const Tensor t = tanh(weight);
  const float largest = divisor_of(t);
  NewTensor result(weight.shape());
  double along = 0;  // Σ g·t
  for (int64_t i = 0; i < weight.size(); ++i) {
    along += double{gradient[i]} * double{t[i]};
    result[i] = gain * gradient[i] / largest * (1 - t[i] * t[i]);
  }
  result[at] -= gain * static_cast<float>(along) * (t[at] < 0 ? -1.0f : 1.0f) /
                (largest * largest) * (1 - t[at] * t[at]);
  return result;
}

Tensor DoReFaQuantizer::quantize_input(const LayerInfo& layer, const Tensor& x) {
  const int bits = options_of(layer).activation_bits;
  const QuantizationGrid grid{.scale = 1 / steps_of(bits),
                              .zero_point = 0,
                              .lowest = 0,
                              .highest = static_cast<int32_t>(steps_of(bits))};
  return fake_quantize(x, std::span(&grid, 1));
}

Tensor DoReFaQuantizer::quantize_grad(const LayerInfo& layer, const Tensor& gradient) {
  const int bits = options_of(layer).gradient_bits;
  if (gradient.size() == 0) return gradient;
  const float steps = steps_of(bits);
  const auto pass = static_cast<uint64_t>(backwards_[static_cast<size_t>(layer.index)]++);
  const RandomStream noise(layer.module->draws.seed, Purpose::gradient_noise,
                           name_index(layer.name), pass);
  const int64_t samples = gradient.shape()[0], elements = gradient.size() / samples;
  NewTensor result(gradient.shape());
  parallel_for(samples, 1, [&](int64_t begin, int64_t end) {
    std::array<uint32_t, 4> words{};
    for (int64_t i = begin * elements; i < end * elements; i += elements) {
      float largest = 0;
      for (int64_t j = i; j < i + elements; ++j) largest = std::max(largest, std::abs(gradient[j]));
      for (int64_t j = i; j < i + elements; ++j) {
        const auto position = static_cast<uint64_t>(j);
        if (j == i || position % 4 == 0) {  // four random words at a time
          const uint64_t block = position / 4;
          words = philox4x32_10({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                 noise.stream()[0], noise.stream()[1]},
                                noise.key());
        }
        const float uniform = static_cast<float>(words[position % 4] >> 8) * 0x1p-24f;
        const float x = gradient[j] / (2 * largest) + 0.5f + (uniform - 0.5f) / steps;
        result[j] =
            largest == 0 ? 0 : 2 * largest * (quantize_k(std::clamp(x, 0.0f, 1.0f), steps) - 0.5f);
      }
    }
  });
  return result;
}

void DoReFaQuantizer::read_rule(int rule, MapReader& options) {
  Quantizer::read_rule(rule, options);
  const auto bits = [&](const char* key, const char* help) -> int {
    const int64_t given = options.integer(
        key, {.min = 1, .max = full_precision, .fallback = full_precision, .help = help});
    if (given > 16 && given < full_precision)
      options.fail(key, "must be 1 to 16, or 32 for full precision, not " + std::to_string(given));
    return static_cast<int>(given);
  };
  Options o{};
  constexpr const char* same = "the same as weight_bits";
  const bool short_form = options.find("q_bits", same) != nullptr;
  if (short_form) o.weight_bits = bits("q_bits", same);
  if (short_form && options.has("weight_bits"))
    options.fail("q_bits", "stands beside 'weight_bits', which means the same; keep one of them");
  if (!short_form)
    o.weight_bits = bits("weight_bits", "1 to 16 bits of weights; 32: full precision");
  o.activation_bits = bits("activation_bits", "1 to 16 bits of inputs; 32: full precision");
  o.gradient_bits = bits("gradient_bits", "1 to 16 bits of gradients; 32: full precision");
  options_.resize(static_cast<size_t>(rule) + 1);
  options_.back() = o;
}

std::string DoReFaQuantizer::reason_to_leave_out(const LayerInfo&, int place, int count) const {
  if (place == 0) return "the first layer stays in full precision unless a rule names it";
  return place == count - 1 ? "the last layer stays in full precision unless a rule names it" : "";
}

QuantizedTensors DoReFaQuantizer::quantized_tensors(const LayerInfo& layer) const {
  const Options& o = options_of(layer);
  return {.weight = o.weight_bits < full_precision,
          .input = o.activation_bits < full_precision,
          .result = o.gradient_bits < full_precision};
}

void DoReFaQuantizer::on_attach_failed() {
  Quantizer::on_attach_failed();
  gains_.clear();
  seen_gains_.clear();
  backwards_.clear();
}

void DoReFaQuantizer::on_attached(nn::Module& model) {
  for (const LayerInfo& layer : layers()) {
    const Options& o = options_of(layer);
    if (std::min({o.weight_bits, o.activation_bits, o.gradient_bits}) < full_precision) continue;
    throw ConfigError(layer.options.position(),
                      rule_name(layer.rule) +
                          " quantizes nothing: give weight_bits, activation_bits or gradient_bits");
  }
  gains_.resize(layers().size());
  seen_gains_.resize(layers().size());
  backwards_.resize(layers().size());
  Quantizer::on_attached(model);
}

void DoReFaQuantizer::visit_state(nn::StateVisitor& state) {
  Quantizer::visit_state(state);
  Tensor gains = Tensor::from({static_cast<int64_t>(gains_.size())}, gains_);
  state("gains", gains);
  std::copy_n(gains.data(), gains_.size(), gains_.begin());
  state("backwards", backwards_);
}

std::vector<std::string> DoReFaQuantizer::notes() const {
  std::vector<std::string> lines;
  for (const LayerInfo& layer : layers()) {
    if (!has_gain(layer) || options_of(layer).weight_bits == full_precision) continue;
    lines.push_back(layer.name + " has no batch normalisation behind it: ");
    if (for_evaluation() || !acts_on(layer)) {
      lines.back() += "it will get a fixed gain";
      continue;
    }
    layer.parameter->effective_value();  // a gain is found when weights are quantized
    const size_t index = static_cast<size_t>(layer.index);
    const float gain = gains_[index] > 0 ? gains_[index] : seen_gains_[index];
    lines.back() += fmt::format("fixed gain {:.4g}", gain);
  }
  return lines;
}

}  // namespace espalier::compress
