#include "espalier/compress/quantizers/qat_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/quantizer_layer.h"

namespace espalier::compress::worked {
namespace {

constexpr int bits = 4;
constexpr double decay = 0.9;

std::string weights_part(const Tensor& exact, const Tensor& effective) {
  const int64_t channels = exact.shape()[0], inputs = exact.shape()[1];
  const auto grids = weight_grids(exact, bits, true);
  const std::vector<double> w = values_of(exact), q = values_of(effective);
  const int top = largest_code(bits);
  std::string text = fmt::format(
      "1. Weights of {} bits: each output channel has a scale, codes go from −{} to {}.\n\n", bits,
      top, top);
  std::vector<std::string> channel;
  std::vector<double> steps, codes;
  for (size_t i = 0; i < w.size(); ++i) {
    const double s = double{grids[i / static_cast<size_t>(inputs)].scale};
    channel.push_back(std::to_string(i / static_cast<size_t>(inputs)));
    steps.push_back(w[i] / s);
    codes.push_back(std::round(q[i] / s));
  }
  for (int64_t c = 0; c < channels; ++c) {
    const float s = grids[static_cast<size_t>(c)].scale;
    const auto first = w.begin() + c * inputs;
    const auto [low, high] = std::minmax_element(first, first + inputs);
    text += fmt::format("  channel {}: range {} to {}, scale s = {} / {} = {}, zero point 0\n", c,
                        number(*low), number(*high),
                        number(std::max(std::abs(*low), std::abs(*high))), top, number(double{s}));
  }
  return text + "\n" +
         Table()
             .column("channel", channel)
             .column("w", w)
             .column("w/s", steps)
             .column("code", codes)
             .column("s·code", q)
             .text();
}

std::string moved(const char* end, float before, float batch, float after) {
  return fmt::format("  {:4} = {}·{} + {}·{} = {}\n", end, decay, bracketed(double{before}),
                     number(1 - decay), bracketed(double{batch}), number(double{after}));
}

std::string work(const std::vector<float>& numbers) {
  require_numbers("QATQuantizer", numbers, 2);
  const int64_t channels = channels_of(numbers), inputs = std::ssize(numbers) / channels;
  const Tensor exact = Tensor::from({channels, inputs}, numbers);
  nn::Sequential net = layer_of(exact);
  QATQuantizer quantizer(rule_of(
      "QATQuantizer", "fc", {{"q_bits", bits}, {"first_last_bits", bits}, {"ema_decay", decay}}));
  quantizer(net);
  std::string text = weights_part(exact, net.parameters()[0].parameter->effective_value());

  const Tensor twice = Tensor::generate(exact.shape(), [&](int64_t i) { return 2 * exact[i]; });
  auto& input = dynamic_cast<ActivationRange&>(*net.record()->input_transform);
  net(exact);
  const ValueRange first = input.range(), second = value_range(twice);
  net(twice);
  const ValueRange range = input.range();
  const QuantizationGrid grid = input.grid();
  const double s = double{grid.scale}, z = grid.zero_point;
  const double low = std::min(double{range.low}, 0.0), high = std::max(double{range.high}, 0.0);
  text += fmt::format(
      "\n2. Activations of {} bits, codes {} to {}: the range follows the batches. The\nlayer's "
      "input in batch 1 is these numbers, in batch 2 twice as much.\n\n  low = {} and high = {}, "
      "the ends of batch 1; then\n",
      bits, grid.lowest, grid.highest, number(double{first.low}), number(double{first.high}));
  text += moved("low", first.low, second.low, range.low) +
          moved("high", first.high, second.high, range.high);
  if (low != double{range.low} || high != double{range.high})
    text += fmt::format("  and 0 has to be in it: {} to {}\n", number(low), number(high));
  text += fmt::format(
      "  scale      s = (high − low)/{} = ({} − {})/{} = {}\n  zero point 0 − low/s = {}; nudged "
      "to a code, z = {}, it makes 0 exact\n  the grid then holds {} to {}\n\nBatch 2 on this "
      "grid:\n\n",
      grid.highest, number(high), bracketed(low), grid.highest, number(s), number(0 - low / s),
      grid.zero_point, number(double{grid.low()}), number(double{grid.high()}));
  Tensor x = twice.detach();
  x.require_grad();
  const Tensor result = input.apply(x, false);
  sum(result).backward();
  const std::vector<double> q = values_of(result);
  return text +
         Table()
             .column("x", values_of(x))
             .column("x/s + z", each(values_of(x), [&](double v) { return v / s + z; }))
             .column("code", each(q, [&](double v) { return std::round(v / s) + z; }))
             .column("s·(code − z)", q)
             .column("gradient", values_of(x.grad()))
             .text() +
         "\nWhat lies outside of the grid is clipped to its end; the gradient, 1 for each\nvalue "
         "here, does not reach it.\n";
}

}  // namespace

WorkedExample qat_quantizer() {
  return {.numbers = {0.31f, -0.8f, 0.05f, 0.62f, -0.12f, 0.02f, -0.05f, 0.01f, 0.04f, -0.03f},
          .what = "weights and activations, 2 to 16 of them",
          .work = work};
}

}  // namespace espalier::compress::worked
