#include "espalier/compress/pruners/sensitivity_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/by_hand.h"

namespace espalier::compress::worked {
namespace {

constexpr double q = 1;
constexpr float shrinking = 0.2f;

/// σ² step by step; σ itself is what the pruner found.
std::string deviation(const std::vector<float>& weights, double sigma) {
  const double n = static_cast<double>(weights.size());
  double sum = 0, squares = 0, largest = 0;
  for (const float weight : weights) {
    sum += double{weight};
    largest = std::max(largest, std::abs(double{weight}));
  }
  std::vector<double> from_mean, squared;
  for (const float weight : weights) {
    from_mean.push_back(double{weight} - sum / n);
    squared.push_back(from_mean.back() * from_mean.back());
    squares += squared.back();
  }
  return fmt::format("The mean of the n = {} weights is m = {}/{} = {}.\n\n", n,
                     number_beside(largest, sum), n, number_beside(largest, sum / n)) +
         Table()
             .places("i", weights.size())
             .column("w", weights, 6)
             .column("w - m", from_mean, 6)
             .column("(w - m)²", squared, 6)
             .text() +
         fmt::format(
             "\nDeviation: σ = √({}/{}) = {}. With sensitivity q = {} a weight stays\n"
             "if |w| > q·σ = {}.\n\n",
             number(squares, 5), n, number(sigma), q, number(q * sigma));
}

std::string table(const std::vector<float>& weights, const SmallLayer& layer) {
  return Table()
      .places("i", weights.size())
      .column("w", weights, 6)
      .column("|w|", magnitudes(weights), 6)
      .column("mask", layer.kept())
      .column("effective", layer.effective(), 6)
      .text();
}

std::string work(const std::vector<float>& weights) {
  if (weights.size() < 2) throw Error("SensitivityPruner", "needs at least two weights");
  SmallLayer layer(weights);
  SensitivityPruner pruner({{{"sensitivity", q}, {"support_op", "layer"}}});
  layer.attach(pruner);
  const double sigma = *pruner.deviation(pruner.layers().front());
  std::string text = deviation(weights, sigma) + table(weights, layer);

  std::vector<float> gradient;
  for (const float weight : layer.effective()) gradient.push_back(shrinking * weight);
  layer.train(gradient);
  const std::vector<float> trained = layer.effective();
  pruner.update_epoch(1);
  layer.pass();
  std::vector<float> survivors;
  std::copy_if(trained.begin(), trained.end(), std::back_inserter(survivors),
               [](float weight) { return weight != 0; });
  text += fmt::format(
      "\nThe weights that are left are trained, here to {:g} of what they were, and the\n"
      "next update masks again. Its threshold is the same: σ is that of the dense\n"
      "weights, {}. (Of the {} left alone it would be {}.)\n\n",
      1 - shrinking, number(*pruner.deviation(pruner.layers().front())),
      counted(static_cast<int64_t>(survivors.size()), "weight"),
      survivors.empty() ? "nothing"
                        : number(standard_deviation(
                              Tensor::from({static_cast<int64_t>(survivors.size())}, survivors))));
  return text + table(trained, layer);
}

}  // namespace

WorkedExample sensitivity_pruner() {
  return {.numbers = {0.9f, -0.1f, 0.4f, -0.8f, 0.2f, -0.5f, 0.1f, 0.6f, -0.3f, 0},
          .what = "weights, at least two",
          .work = work};
}

}  // namespace espalier::compress::worked
