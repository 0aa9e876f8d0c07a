#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/dorefa_layer.h"

namespace espalier::compress::worked {
namespace {

constexpr int steps = 3;  // 2² − 1

}  // namespace

std::string dorefa_activations(const std::vector<float>& numbers) {
  DoReFaLayer attached(numbers, {{"activation_bits", 2}}, false);
  Tensor x = Tensor::from({1, std::ssize(numbers)}, numbers);
  x.require_grad();
  const Tensor result = attached.net.children().front()->record()->input_transform->apply(x, true);
  sum(result).backward();
  const std::vector<double> clipped =
      each(values_of(x), [](double v) { return std::clamp(v, 0.0, 1.0); });
  return fmt::format(
             "\n3. The same numbers as activations of 2 bits (equation 11):\nquantize_k(clip(x, 0, "
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

std::string dorefa_gradients(const std::vector<float>& numbers) {
  DoReFaLayer attached(numbers, {{"gradient_bits", 2}}, false);
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
             "\n4. The same numbers as the gradient r of a sample, of 2 bits (equation 12),\nwith "
             "m = max|r| = {} and noise N, uniform in ±½/{}:\n2·m·(quantize_k(clip(r/(2·m) + ½ + "
             "N, 0, 1)) − ½)\n\n",
             number(m), steps) +
         Table()
             .column("r", r)
             .column("r/2m + ½", x)
             .column("N", n)
             .column("2 bits", first)
             .column(fmt::format("mean of {} draws", passes),
                     each(mean, [](double v) { return v / passes; }))
             .text() +
         "\nA code is off by up to a whole step, but on average the noise takes that out.\n";
}

}  // namespace espalier::compress::worked
