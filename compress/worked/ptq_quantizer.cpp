#include "espalier/compress/quantizers/ptq_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/quantizers/range_observer.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/quantizer_layer.h"

namespace espalier::compress::worked {
namespace {

constexpr int bits = 2;
constexpr double percentile = 90;

/// What one observer makes of the input of a layer.
struct Observed {
  ValueRange range;
  QuantizationGrid grid;
  std::vector<double> values;
  double relative_error;
};

Observed observe(const std::string& observer, const std::vector<float>& numbers) {
  nn::Sequential net = layer_of(Tensor::full({1, std::ssize(numbers)}, 1));
  Value rule = Value::map({{"q_bits", bits}, {"first_last_bits", bits}, {"observer", observer}});
  if (observer == "percentile") rule.set("percentile", percentile);
  PTQQuantizer quantizer(Rules::from(rule, "PTQQuantizer"));
  quantizer(net);
  const Tensor x = Tensor::from({1, std::ssize(numbers)}, numbers);
  quantizer.calibrate([&] { net(x); });
  auto& input = dynamic_cast<ActivationRange&>(*net.record()->input_transform);
  return {input.range(), input.grid(), values_of(input.apply(x, false)),
          quantizer.errors().front().relative};
}

std::string line(const char* observer, const Observed& found, const std::vector<double>& x) {
  return fmt::format("  {:10} {:>7} to {:<7} s = {:<7} z = {}   {:<7} {:.1f} %\n", observer,
                     number(double{found.range.low}), number(double{found.range.high}),
                     number(double{found.grid.scale}), found.grid.zero_point,
                     number(squared_error(x, found.values)), 100 * found.relative_error);
}

/// Σ(x − Q(x))² when both ends are so many 128ths of the outermost values.
std::vector<double> errors_at(const std::vector<double>& parts, const Tensor& x,
                              const QuantizationGrid& codes) {
  ValueHistogram seen;
  seen.add(x);
  const ValueRange all = seen.range();
  return each(parts, [&](double part) {
    const auto share = static_cast<float>(part / 128);
    return compress::squared_error(
        seen, affine_grid(all.low * share, all.high * share, codes.lowest, codes.highest));
  });
}

std::string work(const std::vector<float>& numbers) {
  require_numbers("PTQQuantizer", numbers, 2);
  const Tensor seen = Tensor::from({std::ssize(numbers)}, numbers);
  const std::vector<double> x = values_of(seen);
  const Observed minmax = observe("minmax", numbers), cut = observe("percentile", numbers),
                 best = observe("mse", numbers);
  const auto share = static_cast<int>(std::ceil(percentile / 100 * static_cast<double>(x.size())));
  const std::vector<double> parts{128, 112, 96, 80, 64, 48, 32, 16};
  return fmt::format(
             "A trained network has run on a few pictures; these are the values x of one of\nits "
             "activations. Their range of {} bits, codes {} to {}, is\n\n  minmax      from the "
             "smallest to the largest\n  percentile  at {} %: to the {}th of the {} values, from "
             "below and above\n  mse         with the least Σ(x − Q(x))², ends at 128ths of the "
             "outermost\n\nwith scale s = (high − low)/{}, zero point z = −low/s rounded, 0 in the "
             "range:\n\n",
             bits, minmax.grid.lowest, minmax.grid.highest, number(percentile), share, x.size(),
             minmax.grid.highest) +
         fmt::format("  {:10} {:>7}    {:<7} {:<11} {:<7} {:<7} {}\n", "", "low", "high", "", "",
                     "Σ error²", "relative") +
         line("minmax", minmax, x) + line("percentile", cut, x) + line("mse", best, x) +
         "\nrelative: √(Σ(x − Q(x))²/Σx²). The values become Q(x) = s·(code − z):\n\n" +
         Table()
             .column("x", x)
             .column("minmax", minmax.values)
             .column("percentile", cut.values)
             .column("mse", best.values)
             .text() +
         "\nThe error by where the ends are, of some that mse has tried:\n\n" +
         Table()
             .column("ends", each(parts, [](double part) { return part / 128; }))
             .column("Σ(x − Q(x))²", errors_at(parts, seen, minmax.grid))
             .text();
}

}  // namespace

WorkedExample ptq_quantizer() {
  return {.numbers = {0.4f, 0, 0.6f, 0.5f, 2.5f, 0.7f, 0, 0.5f, 0.6f, 0.4f},
          .what = "activations, 2 to 16 of them",
          .work = work};
}

}  // namespace espalier::compress::worked
