// What becomes of a quantizer when its code differs from its paper in one place. Each difference
// was found in a toolkit that people use; here it is made on purpose, in a class derived from ours
// where that is possible, and everything else is the same.
//
//   quantizer_differences [--data FOLDER] [--epochs N] [--seeds N] [--pictures N] [PART …]
//
// prints a line for each: see `differences::print`.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "measuring.h"

using namespace espalier;
using namespace espalier::compress;
using namespace differences;

namespace {

using Percent = std::vector<double>;

float quantize_k(float x, float steps) {
  return std::nearbyint(x * steps) / steps;
}

// --- DoReFa: weights ----------------------------------------------------------------------------

/// The gradient passes straight through tanh and the maximum too.
class NoTanhGradient : public DoReFaQuantizer {
 public:
  using DoReFaQuantizer::DoReFaQuantizer;
  Tensor rounding_gradient(const LayerInfo&, const Tensor&, const Tensor& gradient) override {
    return gradient;
  }
};

/// w/(2·max|w|) + ½ in place of tanh(w)/(2·max|tanh w|) + ½.
class NoTanh : public NoTanhGradient {
 public:
  using NoTanhGradient::NoTanhGradient;
  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override {
    const float steps = std::exp2(static_cast<float>(weight_levels(layer).bits)) - 1;
    return shared(weight, steps);
  }

 protected:
  static Tensor shared(const Tensor& weight, float steps) {
    const ValueRange range = value_range(weight);
    const float most = std::max(-range.low, range.high);
    return Tensor::generate(weight.shape(), [&](int64_t i) {
      return 2 * quantize_k(weight[i] / (2 * most) + 0.5f, steps) - 1;
    });
  }
};

/// tanh(w)/(2·max|w|) + ½, and 2^(k−1) steps in place of 2^k − 1.
class WrongScale : public NoTanhGradient {
 public:
  using NoTanhGradient::NoTanhGradient;
  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override {
    const float steps = std::exp2(static_cast<float>(weight_levels(layer).bits - 1));
    const ValueRange range = value_range(weight);
    const float most = std::max(-range.low, range.high);
    return Tensor::generate(weight.shape(), [&](int64_t i) {
      return 2 * quantize_k(std::tanh(weight[i]) / (2 * most) + 0.5f, steps) - 1;
    });
  }
};

// --- DoReFa: activations and gradients ----------------------------------------------------------

/// The gradient of activations passes where they are clipped too.
class NoClipGradient : public DoReFaQuantizer {
 public:
  using DoReFaQuantizer::DoReFaQuantizer;
  Tensor quantize_input(const LayerInfo& layer, const Tensor& x) override {
    const Tensor quantized = DoReFaQuantizer::quantize_input(layer, x.detach());
    const Tensor difference =
        Tensor::generate(x.shape(), [&](int64_t i) { return quantized[i] - x[i]; });
    return add(x, difference);
  }
};

/// One range for the gradient of a whole batch in place of one for each sample.
class BatchRange : public DoReFaQuantizer {
 public:
  using DoReFaQuantizer::DoReFaQuantizer;
  Tensor quantize_grad(const LayerInfo& layer, const Tensor& gradient) override {
    const Tensor row = reshape(gradient, {1, gradient.size()});
    return reshape(DoReFaQuantizer::quantize_grad(layer, row), gradient.shape());
  }
};

/// Noise drawn by `noise(sample, element)` in place of one number for each element.
class OtherNoise : public DoReFaQuantizer {
 public:
  using DoReFaQuantizer::DoReFaQuantizer;
  Tensor quantize_grad(const LayerInfo& layer, const Tensor& gradient) override {
    const float steps =
        static_cast<float>((1 << layer.options.find("gradient_bits")->as_integer()) - 1);
    const int64_t samples = gradient.shape()[0], elements = gradient.size() / samples;
    const RandomStream random(1, Purpose::gradient_noise, name_index(layer.name), ++passes_);
    NewTensor result(gradient.shape());
    for (int64_t sample = 0; sample < samples; ++sample) {
      float most = 0;
      for (int64_t i = 0; i < elements; ++i)
        most = std::max(most, std::abs(gradient[sample * elements + i]));
      const float noise = noise_of(random, sample) / steps;
      for (int64_t i = sample * elements; i < (sample + 1) * elements; ++i) {
        const float x = most > 0 ? gradient[i] / (2 * most) + 0.5f + noise : 0.5f;
        result[i] = 2 * most * (quantize_k(std::clamp(x, 0.0f, 1.0f), steps) - 0.5f);
      }
    }
    return result;
  }

 private:
  virtual float noise_of(const RandomStream& random, int64_t sample) const = 0;
  uint64_t passes_ = 0;
};

class NoiseOfSample : public OtherNoise {
 public:
  using OtherNoise::OtherNoise;
  float noise_of(const RandomStream& random, int64_t sample) const override {
    return random.uniform(static_cast<uint64_t>(sample)) - 0.5f;
  }
};

class NoNoise : public OtherNoise {
 public:
  using OtherNoise::OtherNoise;
  float noise_of(const RandomStream&, int64_t) const override { return 0; }
};

// --- Weights of integers ------------------------------------------------------------------------

/// Puts into the layer what `quantized` makes of its weights, and back afterwards.
double accuracy_with(const Laboratory& lab, nn::Module& net,
                     const std::function<Tensor(const Tensor&)>& quantized) {
  std::vector<std::pair<nn::Parameter*, Tensor>> kept;
  for (const nn::NamedParameter& named : net.parameters()) {
    if (named.parameter->role() != nn::Role::weight) continue;
    kept.emplace_back(named.parameter, named.parameter->effective_value());
    named.parameter->load(quantized(kept.back().second));
  }
  const double accuracy = lab.accuracy(net);
  for (const auto& [parameter, value] : kept) parameter->load(value);
  return accuracy;
}

float largest(const Tensor& weight) {
  const ValueRange range = value_range(weight);
  return std::max(-range.low, range.high);
}

/// Symmetric, one scale, codes as `code(w/Δ)` says.
template <class Code>
Tensor symmetric(const Tensor& weight, float scale, Code&& code) {
  return Tensor::generate(weight.shape(),
                          [&](int64_t i) { return scale * code(weight[i] / scale); });
}

void trained_then_rounded(const Laboratory& lab) {
  std::vector<nn::Sequential> trained;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    trained.push_back(lab.network(static_cast<uint64_t>(seed)));
    lab.train(trained.back(), static_cast<uint64_t>(seed), {});
  }
  for (const int bits : {8, 4, 3}) {
    const float most = std::exp2(static_cast<float>(bits - 1)) - 1;
    const auto rounded = [&](float steps, auto&& code) {
      Percent all;
      for (nn::Sequential& net : trained) {
        all.push_back(accuracy_with(
            lab, net, [&](const Tensor& w) { return symmetric(w, largest(w) / steps, code); }));
      }
      return all;
    };
    const Percent paper = rounded(most, [](float x) { return std::nearbyint(x); });
    const Percent truncated = rounded(most, [](float x) { return std::trunc(x); });
    // 2^k − 1 steps from −max to max: max itself gets the code 2^(k−1), which an integer of k bits
    // has not; it becomes −2^(k−1).
    const Percent wrapped = rounded(most + 0.5f, [&](float x) {
      const float code = std::nearbyint(x + std::copysign(1e-4f, x));
      return code > most ? code - 2 * (most + 1) : code;
    });
    const std::string what = "weights rounded to " + std::to_string(bits) + " bits, not trained";
    print({what, "truncated toward zero in place of rounded", paper, truncated});
    print({what, "scale (2^k − 1)/2 without a clamp: +max is stored as −2^(k−1)", paper, wrapped});
  }
}

/// 90 % pruned, then 8 bits on an affine grid, without a mask behind the quantizer.
void zero_point(const Laboratory& lab) {
  Percent nudged, real;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
    AGPruner pruner({{{"final_sparsity", 0.9}, {"end_epoch", 1}, {"start_epoch", 0}}});
    pruner(net);
    lab.train(net, static_cast<uint64_t>(seed), {.epochs = 1});
    for (const bool round : {true, false}) {
      int64_t zeros = 0, all = 0;
      for (const nn::NamedParameter& named : net.parameters()) {
        if (named.parameter->role() != nn::Role::weight) continue;
        const Tensor w = named.parameter->effective_value();
        const ValueRange range = value_range(w);
        const float s = (range.high - range.low) / 255,
                    z = round ? std::nearbyint(-range.low / s) : -range.low / s;
        for (const float x : w.values()) {
          const float code = std::clamp(std::nearbyint(x / s + z), 0.0f, 255.0f);
          zeros += s * (code - z) == 0;
          ++all;
        }
      }
      (round ? nudged : real)
          .push_back(100.0 * static_cast<double>(zeros) / static_cast<double>(all));
    }
  }
  print({"zeros of a network pruned to 90 %, weights of 8 bits, affine",
         "zero point not rounded to a code", nudged, real});
}

/// The same for DoReFa, whose grid has no zero: what the mask in front of it alone leaves.
void mask_then_quantize(const Laboratory& lab) {
  Percent both, front;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
    AGPruner pruner({{{"final_sparsity", 0.9}, {"end_epoch", 1}, {"start_epoch", 0}}});
    DoReFaQuantizer quantizer({{{"weight_bits", 2}, {"support_op", "fc*"}}});
    pruner(net);
    quantizer(net);
    lab.train(net, static_cast<uint64_t>(seed), {.epochs = 1});
    int64_t zeros = 0, zeros_in_front = 0, all = 0;
    for (const LayerInfo& layer : quantizer.layers()) {
      const Tensor effective = layer.parameter->effective_value();
      quantizer.set_enabled(false);
      const Tensor masked = layer.parameter->effective_value();
      quantizer.set_enabled(true);
      const Tensor quantized = quantizer.quantize_weight(layer, masked);
      for (int64_t i = 0; i < effective.size(); ++i) {
        zeros += effective[i] == 0;
        zeros_in_front += quantized[i] == 0;
      }
      all += effective.size();
    }
    both.push_back(100.0 * static_cast<double>(zeros) / static_cast<double>(all));
    front.push_back(100.0 * static_cast<double>(zeros_in_front) / static_cast<double>(all));
  }
  print({"zeros of a network pruned to 90 %, DoReFa weights of 2 bits",
         "mask in front of the quantizer alone", both, front});
}

/// The quantized weights overwrite the stored ones after each step.
void latent_overwritten(const Laboratory& lab) {
  for (const int bits : {8, 4}) {
    const auto attach = attaching<QATQuantizer>(
        Value::map({{"weight_bits", bits}, {"first_last_bits", 2}, {"quant_start_step", 1000000}}));
    const auto overwrite = [](nn::Module& net, int64_t) {
      for (const nn::NamedParameter& named : net.parameters()) {
        if (named.parameter->role() == nn::Role::weight)
          named.parameter->load(named.parameter->effective_value());
      }
    };
    print({"training with weights of " + std::to_string(bits) + " bits",
           "the quantized weight overwrites the stored one", lab.accuracies({.attach = attach}),
           lab.accuracies({.attach = attach, .after_step = overwrite})});
  }
}

// --- Ranges of activations ----------------------------------------------------------------------

void set_ranges(nn::Module& net, float low, float high) {
  net.for_each_module([&](const std::string&, nn::Module& module) {
    for (const auto& transform :
         {module.record()->input_transform, module.record()->output_transform}) {
      auto* range = dynamic_cast<MovingRange*>(transform.get());
      if (range)
        range->set_state(Tensor::from({4}, {low, high, 1, range->quantizes() ? 1.0f : 0.0f}));
    }
  });
}

void ranges(const Laboratory& lab) {
  Value rule = Value::map({{"weight_bits", 8}, {"activation_bits", 4}, {"first_last_bits", 4}});
  const auto attach = attaching<QATQuantizer>(rule);
  const auto from_six = [&](nn::Module& net) {
    auto quantizer = attach(net);
    set_ranges(net, -6, 6);
    return quantizer;
  };
  print({"activations of 4 bits, one epoch", "ranges begin at ±6 in place of the first batch",
         lab.accuracies({.attach = attach, .epochs = 1}),
         lab.accuracies({.attach = from_six, .epochs = 1})});

  // A moving average that starts at 0 when quantization does, hundreds of steps after the start,
  // so that correcting its bias by the number of steps since the start corrects nothing.
  constexpr int64_t delay = 300;
  const std::vector<int64_t> moments{1, 20, 80};
  rule.set("quant_start_step", delay);
  rule.set("ema_decay", 0.99);
  std::vector<Percent> paper(moments.size()), deviation(moments.size());
  for (const bool forgotten : {false, true}) {
    const auto watch = [&](nn::Module& net, int64_t step) {
      if (step == delay && forgotten) set_ranges(net, 0, 0);
      const auto moment = std::find(moments.begin(), moments.end(), step - delay);
      if (moment == moments.end()) return;
      auto& side = forgotten ? deviation : paper;
      side[static_cast<size_t>(moment - moments.begin())].push_back(lab.accuracy(net));
    };
    lab.accuracies({.attach = attaching<QATQuantizer>(rule), .after_step = watch});
  }
  for (size_t i = 0; i < moments.size(); ++i) {
    if (paper[i].empty()) continue;  // the training is too short
    print({"activations of 4 bits from step 300 on, after " + std::to_string(moments[i]) + " steps",
           "followed from that step on, bias corrected by all steps", paper[i], deviation[i]});
  }
}

// --- Integers of few bits -----------------------------------------------------------------------

void from_the_first_step(const Laboratory& lab) {
  for (const int bits : {2, 3}) {
    Value rule = Value::map({{"q_bits", bits}, {"first_last_bits", bits}});
    Value later = rule;
    later.set("start_epoch", lab.epochs() / 2);
    print({"weights and activations of " + std::to_string(bits) + " bits in the second half",
           "from the first step", lab.accuracies({.attach = attaching<QATQuantizer>(later)}),
           lab.accuracies({.attach = attaching<QATQuantizer>(rule)})});
  }
}

/// One scale for a whole weight as it is stored, whatever batch normalisation follows.
class Unfolded : public Quantizer {
 public:
  using Quantizer::Quantizer;
  Tensor quantize_weight(const LayerInfo&, const Tensor& weight) override {
    return symmetric(weight, largest(weight) / 7, [](float x) { return std::nearbyint(x); });
  }
};

/// Weights of 4 bits with one scale, as an engine gets them: multiplied by γ/σ, then rounded.
double accuracy_when_folded(const Laboratory& lab, nn::Sequential& net) {
  std::vector<std::pair<nn::Parameter*, Tensor>> weights;
  const auto& layers = net.children();
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i]->type() != "Linear") continue;
    nn::Parameter& weight = *layers[i]->record()->parameters.front();
    const Tensor w = weight.effective_value();
    const int64_t inputs = w.shape()[1];
    std::vector<float> factors(static_cast<size_t>(w.shape()[0]), 1);
    if (i + 1 < layers.size() && layers[i + 1]->type() == "BatchNorm2d")
      factors = dynamic_cast<nn::BatchNorm2d&>(*layers[i + 1]).folding_factors();
    const auto factor = [&](int64_t element) {
      return factors[static_cast<size_t>(element / inputs)];
    };
    const Tensor folded = Tensor::generate(w.shape(), [&](int64_t j) { return w[j] * factor(j); });
    const Tensor q =
        symmetric(folded, largest(folded) / 7, [](float x) { return std::nearbyint(x); });
    weights.emplace_back(&weight, Tensor::generate(w.shape(), [&](int64_t j) {
      return factor(j) != 0 ? q[j] / factor(j) : 0;
    }));
  }
  for (const auto& [parameter, value] : weights) parameter->load(value);
  return lab.accuracy(net);
}

void unfolded(const Laboratory& lab) {
  Percent folded, plain;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    for (const bool ours : {true, false}) {
      nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
      const Value rule = ours ? Value::map({{"weight_bits", 4},
                                            {"first_last_bits", 2},
                                            {"per_channel", false},
                                            {"quant_start_step", 1000000}})
                              : Value::map();
      lab.train(net, static_cast<uint64_t>(seed),
                {.attach = ours ? Laboratory::Attach(attaching<QATQuantizer>(rule))
                                : Laboratory::Attach(attaching<Unfolded>(rule))});
      (ours ? folded : plain).push_back(accuracy_when_folded(lab, net));
    }
  }
  print({"weights of 4 bits, one scale, as an engine computes",
         "batch normalisation not folded "
         "while training",
         folded, plain});
}

// --- Trainings that differ in the quantizer alone -----------------------------------------------

template <class Quantizer>
Percent trained(const Laboratory& lab, const Value& rule) {
  return lab.accuracies({.attach = attaching<Quantizer>(rule)});
}

void dorefa(const Laboratory& lab) {
  for (const int bits : {2, 3}) {
    const Value rule = Value::map({{"weight_bits", bits}, {"support_op", "fc*"}});
    const std::string what = "DoReFa, weights of " + std::to_string(bits) + " bits";
    const Percent paper = trained<DoReFaQuantizer>(lab, rule);
    print({what, "gradient past tanh and the maximum", paper, trained<NoTanhGradient>(lab, rule)});
    print({what, "no tanh", paper, trained<NoTanh>(lab, rule)});
    print({what, "divided by max|w|, 2^(k−1) steps", paper, trained<WrongScale>(lab, rule)});
  }
  const Value inputs = Value::map({{"activation_bits", 2}, {"support_op", {"fc2", "fc3"}}});
  print({"DoReFa, activations of 2 bits", "gradient passes where the clip acts",
         trained<DoReFaQuantizer>(lab, inputs), trained<NoClipGradient>(lab, inputs)});
  for (const int bits : {2, 4}) {
    const Value rule = Value::map({{"gradient_bits", bits}, {"support_op", "fc*"}});
    const std::string what = "DoReFa, gradients of " + std::to_string(bits) + " bits";
    const Percent paper = trained<DoReFaQuantizer>(lab, rule);
    print({what, "one range for the batch", paper, trained<BatchRange>(lab, rule)});
    print({what, "noise drawn once for a sample", paper, trained<NoiseOfSample>(lab, rule)});
    print({what, "no noise", paper, trained<NoNoise>(lab, rule)});
  }
}

}  // namespace

int main(int count, char** words) {
  return run(count, words,
             {{"rounding", trained_then_rounded},
              {"zero", zero_point},
              {"order", mask_then_quantize},
              {"latent", latent_overwritten},
              {"ranges", ranges},
              {"start", from_the_first_step},
              {"fold", unfolded},
              {"dorefa", dorefa}});
}
