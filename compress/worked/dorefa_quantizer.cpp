#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/dorefa_layer.h"

namespace espalier::compress::worked {
namespace {

constexpr int steps = 3;  // 2² − 1

std::string one_bit(const std::vector<double>& w, const Tensor& effective) {
  std::vector<std::string> terms;
  for (const double value : w) {
    if (value != 0) terms.push_back(number(std::abs(value)));
  }
  return fmt::format(
      "1. Weights of 1 bit (equation 7): E·sign(w), E the mean of |w|\n\n  E = ({})\n      / {} = "
      "{}\n",
      plus(terms), terms.size(), number(double{largest_magnitude(effective)}));
}

std::string two_bits(const DoReFaLayer& attached, const std::vector<double>& w,
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
             "\n2. Weights of k = 2 bits (equation 9): 2·quantize_k(tanh(w)/(2·M) + ½) − 1\nwith M "
             "= max|tanh w| = {} and quantize_k(x) = round({}·x)/{} (equation 5)\n\n",
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
         "\nThe last column is the gradient of the sum of the 2-bit weights:\n(1 − tanh²w)/M, and "
         "less for the weight with the largest |w|, on which M\ndepends. With 1 bit it is 1.\n";
}

std::string gain_part(const std::vector<float>& numbers, const std::vector<double>& w,
                      const std::vector<double>& q) {
  const DoReFaLayer without(numbers, {{"weight_bits", 2}}, false);
  double of_weights = 0, of_quantized = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    of_weights += w[i] * w[i];
    of_quantized += w[i] != 0 ? q[i] * q[i] : 0;
  }
  const std::vector<double> scaled = values_of(without.weights());
  return fmt::format(
      "Such weights reach to ±1 whatever w. Where no batch normalisation follows,\nthey get a "
      "gain, √(Σ w²/Σ q²) = √({}/{}) = {}:\nthey reach to ±{} then.\n",
      number(of_weights), number(of_quantized), number(std::sqrt(of_weights / of_quantized)),
      number(std::abs(*std::max_element(scaled.begin(), scaled.end(), [](double a, double b) {
        return std::abs(a) < std::abs(b);
      }))));
}

std::string work(const std::vector<float>& numbers) {
  require_numbers("DoReFaQuantizer", numbers, 2);
  if (std::all_of(numbers.begin(), numbers.end(), [](float x) { return x == 0; }))
    throw Error("DoReFaQuantizer", "needs a number that is not 0");
  DoReFaLayer one(numbers, {{"weight_bits", 1}}), two(numbers, {{"weight_bits", 2}});
  const std::vector<double> w(numbers.begin(), numbers.end());
  return one_bit(w, one.weights()) + two_bits(two, w, one.weights(), two.quantizer) +
         gain_part(numbers, w, values_of(two.weights())) + dorefa_activations(numbers) +
         dorefa_gradients(numbers);
}

}  // namespace

WorkedExample dorefa_quantizer() {
  return {.numbers = {0.31f, -0.8f, 0.05f, 0.62f, -0.12f, 0.45f, -0.3f, 1.2f, -0.55f, 0.2f},
          .what = "weights, activations and gradients, 2 to 16 of them, not all 0",
          .work = work};
}

}  // namespace espalier::compress::worked
