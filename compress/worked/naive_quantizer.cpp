#include "espalier/compress/quantizers/naive_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/quantizer_layer.h"

namespace espalier::compress::worked {
namespace {

std::string work(const std::vector<float>& numbers) {
  require_numbers("NaiveQuantizer", numbers, 1);
  const int64_t channels = channels_of(numbers), inputs = std::ssize(numbers) / channels;
  const Tensor exact = Tensor::from({channels, inputs}, numbers);
  nn::Sequential net = layer_of(exact);
  NaiveQuantizer quantizer;
  quantizer(net);
  const nn::Parameter& weight = *net.parameters()[0].parameter;
  const std::vector<double> w = values_of(exact), q = values_of(weight.effective_value());
  sum(net(Tensor::full({1, inputs}, 1))).backward();

  const auto grids = weight_grids(exact, 8, true);
  const QuantizationGrid one = weight_grids(exact, 8, false)[0];
  std::string text = "The step of an output channel is Δ = max|w| / 127:\n\n";
  std::vector<std::string> channel;
  std::vector<double> steps, codes;
  double worst = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    const auto number_of_channel = static_cast<int64_t>(i) / inputs;
    const double step = double{grids[static_cast<size_t>(number_of_channel)].scale};
    channel.push_back(std::to_string(number_of_channel));
    steps.push_back(w[i] / step);
    codes.push_back(std::round(q[i] / step));
    worst = std::max(worst, std::abs(w[i] - q[i]) / step);
  }
  for (int64_t c = 0; c < channels; ++c) {
    const float* first = exact.data() + c * inputs;
    const float most = largest_magnitude(Tensor::from({inputs}, std::span(first, inputs)));
    text += fmt::format("  channel {}: Δ = {} / 127 = {}\n", c, number(double{most}),
                        number(double{grids[static_cast<size_t>(c)].scale}));
  }
  Table table;
  table.column("channel", channel)
      .column("w", w)
      .column("w/Δ", steps)
      .column("code", codes)
      .column("Δ·code", q);
  if (channels > 1) {
    table.column("code with one Δ",
                 each(values_of(quantize_symmetric(exact, 8, false)),
                      [&](double x) { return std::round(x / double{one.scale}); }));
  }
  table.column("gradient", values_of(weight.gradient()));
  text += "\nA code is w/Δ rounded, a half to even; the layer computes with Δ·code:\n\n" +
          table.text() +
          fmt::format("\nThe largest error is {}·Δ; half a step is the most there can be.\n",
                      number(worst));
  if (channels > 1) {
    text += fmt::format("With one Δ for both channels, {}, the smaller would use few codes.\n",
                        number(double{one.scale}));
  }
  return text + "The gradient, 1 for each weight here, passes straight through.\n";
}

}  // namespace

WorkedExample naive_quantizer() {
  return {.numbers = {0.31f, -0.8f, 0.05f, 0.62f, -0.12f, 0.02f, -0.05f, 0.01f, 0.04f, -0.03f},
          .what = "weights, 1 to 16 of them",
          .work = work};
}

}  // namespace espalier::compress::worked
