#include "espalier/compress/quantizers/dorefa_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/quantizer_examples.h"
#include "espalier/compress/worked/quantizer_layer.h"
#include "espalier/nn/layers/batch_norm.h"

namespace espalier::compress::worked {
namespace {

constexpr int steps = 3;  // 2² − 1

/// The numbers as the weights of a layer with one output, a quantizer attached to it.
struct Attached {
  Attached(const std::vector<float>& numbers, std::initializer_list<Member> options,
           bool batch_norm = true)
      : net(layer_of(Tensor::from({1, std::ssize(numbers)}, numbers))),
        quantizer(rule_of("DoReFaQuantizer", "fc", options)) {
    if (batch_norm) net.add("bn", nn::BatchNorm2d({.channels = 1}));
    quantizer(net);
  }
  Tensor weights() const { return net.parameters()[0].parameter->effective_value(); }
  const LayerInfo& layer() const { return quantizer.layers().front(); }

  nn::Sequential net;
  DoReFaQuantizer quantizer;
};

std::string one_bit(const std::vector<double>& w, const Tensor& effective) {
  std::vector<std::string> terms;
  for (const double value : w) {
    if (value != 0) terms.push_back(number(std::abs(value)));
  }
  return fmt::format(
      "1. Weights of 1 bit (equation 7): E·sign(w), E the mean of |w|\n\n"
      "  E = ({}) / {} = {}\n",
      plus(terms), terms.size(), number(double{largest_magnitude(effective)}));
}

std::string two_bits(const Attached& attached, const std::vector<double>& w,
                     const Tensor& one_bit_weights, DoReFaQuantizer& quantizer) {
  const Tensor latent = Tensor::from({std::ssize(w)}, std::vector<float>(w.begin(), w.end()));
  const std::vector<double> t = values_of(tanh(latent));
  const double most = double{largest_magnitude(tanh(latent))};
  const auto share = each(t, [&](double x) { return most > 0 ? x / (2 * most) + 0.5 : 0.5; });
  const std::vector<double> q = values_of(attached.weights());
  const Tensor ones = Tensor::full({1, std::ssize(w)}, 1);
  const Tensor gradient = quantizer.rounding_gradient(
      attached.layer(), Tensor::from({1, std::ssize(w)}, latent.values()), ones);
  return fmt::format(
             "\n2. Weights of k = 2 bits (equation 9): 2·quantize_k(tanh(w)/(2·M) + ½) − 1 with\n"
             "M = max|tanh w| = {} and quantize_k(x) = round({}·x)/{} (equation 5)\n\n",
             number(most), steps, steps) +
         Table()
             .column("w", w)
             .column("1 bit", values_of(one_bit_weights))
             .column("tanh w", t)
             .column("x = t/2M + ½", share)
             .column(fmt::format("{}·x", steps), each(share, [](double x) { return steps * x; }))
             .column("code", each(q, [](double x) { return std::round((x + 1) / 2 * steps); }))
             .column("2 bits", q)
             .column("∂Σ/∂w", values_of(gradient))
             .text() +
         "\nThe last column is the gradient of the sum of the 2-bit weights: (1 − tanh²w)/M, and "
         "less\n"
         "for the weight with the largest |w|, since M depends on it. With 1 bit it is 1.\n";
}

std::string gain_part(const std::vector<float>& numbers, const std::vector<double>& w,
                      const std::vector<double>& q) {
  const Attached without(numbers, {{"weight_bits", 2}}, false);
  double of_weights = 0, of_quantized = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    of_weights += w[i] * w[i];
    of_quantized += w[i] != 0 ? q[i] * q[i] : 0;
  }
  const std::vector<double> scaled = values_of(without.weights());
  return fmt::format(
      "Such weights reach to ±1 whatever w. Where no batch normalisation follows, they get a "
      "gain,\n"
      "√(Σ w²/Σ q²) = √({}/{}) = {}: the largest weight is then {}.\n",
      number(of_weights), number(of_quantized), number(std::sqrt(of_weights / of_quantized)),
      number(*std::max_element(scaled.begin(), scaled.end(),
                               [](double a, double b) { return std::abs(a) < std::abs(b); })));
}

std::string activations(const std::vector<float>& numbers) {
  Attached attached(numbers, {{"activation_bits", 2}}, false);
  Tensor x = Tensor::from({1, std::ssize(numbers)}, numbers);
  x.require_grad();
  const Tensor result = attached.net.children().front()->record()->input_transform->apply(x, true);
  sum(result).backward();
  const std::vector<double> clipped =
      each(values_of(x), [](double v) { return std::clamp(v, 0.0, 1.0); });
  return fmt::format(
             "\n3. The same numbers as activations of 2 bits (equation 11): quantize_k(clip(x, 0, "
             "1))\n\n") +
         Table()
             .column("x", values_of(x))
             .column("clipped", clipped)
             .column(fmt::format("{}·clipped", steps),
                     each(clipped, [](double v) { return steps * v; }))
             .column("2 bits", values_of(result))
             .column("gradient", values_of(x.grad()))
             .text();
}

std::string gradients(const std::vector<float>& numbers) {
  Attached attached(numbers, {{"gradient_bits", 2}}, false);
  const LayerInfo& layer = attached.layer();
  const Tensor g = Tensor::from({1, std::ssize(numbers)}, numbers);
  const std::vector<double> r = values_of(g);
  const double m = double{largest_magnitude(g)};
  // The noise of the layer's first backward pass, drawn as the quantizer draws it.
  const RandomStream noise(layer.module->draws.seed, Purpose::gradient_noise,
                           name_index(layer.name), 0);
  std::vector<double> x, n, first = values_of(attached.quantizer.quantize_grad(layer, g)),
                            mean(first);
  for (size_t i = 0; i < r.size(); ++i) {
    x.push_back(m > 0 ? r[i] / (2 * m) + 0.5 : 0.5);
    n.push_back((double{noise.uniform(i)} - 0.5) / steps);
  }
  constexpr int passes = 10000;
  for (int pass = 1; pass < passes; ++pass) {
    const Tensor drawn = attached.quantizer.quantize_grad(layer, g);
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += double{drawn[static_cast<int64_t>(i)]};
  }
  return fmt::format(
             "\n4. The same numbers as the gradient r of a sample, of 2 bits (equation 12), with\n"
             "m = max|r| = {} and noise N, uniform in ±½/{}:\n"
             "2·m·(quantize_k(clip(r/(2·m) + ½ + N, 0, 1)) − ½)\n\n",
             number(m), steps) +
         Table()
             .column("r", r)
             .column("r/2m + ½", x)
             .column("N", n)
             .column("2 bits", first)
             .column(fmt::format("mean of {} draws", passes),
                     each(mean, [](double v) { return v / passes; }))
             .text() +
         "\nA code is off by up to a whole step, but on average the noise takes the rounding "
         "out.\n";
}

std::string work(const std::vector<float>& numbers) {
  require_numbers("DoReFaQuantizer", numbers, 2);
  Attached one(numbers, {{"weight_bits", 1}}), two(numbers, {{"weight_bits", 2}});
  const std::vector<double> w(numbers.begin(), numbers.end());
  return one_bit(w, one.weights()) + two_bits(two, w, one.weights(), two.quantizer) +
         gain_part(numbers, w, values_of(two.weights())) + activations(numbers) +
         gradients(numbers);
}

}  // namespace

WorkedExample dorefa_quantizer() {
  return {.numbers = {0.31f, -0.8f, 0.05f, 0.62f, -0.12f, 0.45f, -0.3f, 1.2f, -0.55f, 0.2f},
          .what = "weights, activations and gradients, 2 to 16 of them",
          .work = work};
}

}  // namespace espalier::compress::worked
