#include "espalier/compress/pruners/level_pruner.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/by_hand.h"

namespace espalier::compress::worked {
namespace {

constexpr double sparsity = 0.5;
constexpr float gradient = -0.25f;

/// Weights, what the mask makes of them, and what the layer computes with.
std::string table(const std::vector<float>& weights, const SmallLayer& layer) {
  return Table()
      .places("i", weights.size())
      .column("w", weights, 6)
      .column("|w|", magnitudes(weights), 6)
      .column("rank", ranks(weights))
      .column("mask", layer.kept())
      .column("effective", layer.effective(), 6)
      .text();
}

std::string work(const std::vector<float>& weights) {
  if (weights.size() < 2) throw Error("LevelPruner", "needs at least two weights to rank");
  SmallLayer layer(weights);
  LevelPruner pruner({{{"sparsity", sparsity}, {"frequency", 1}, {"support_op", "layer"}}});
  layer.attach(pruner);
  const auto n = static_cast<int64_t>(weights.size());
  std::string text = fmt::format(
      "Sparsity s = {0} of n = {1} weights: the k = round(s·n) = round({0}·{1}) = {2} of\n"
      "smallest magnitude are masked, ranks 1 to {2}.\n\n",
      sparsity, n, masked_count(sparsity, n));
  text += table(weights, layer);

  layer.train(std::vector<float>(weights.size(), gradient));
  layer.pass();  // its forward makes the mask anew
  std::vector<float> trained = weights;
  for (float& weight : trained) weight -= gradient;
  text += fmt::format(
      "\nA training step, learning rate 1, the same gradient {0:g} for every weight:\n"
      "w - 1·({0:g}) = w + {1:g}, of masked weights too (masked_weights: train).\n"
      "The next mask ranks what the step has left: weights go, and some come back.\n\n",
      gradient, -gradient);
  return text + table(trained, layer);
}

}  // namespace

WorkedExample level_pruner() {
  return {.numbers = {0.9f, -0.05f, 0.3f, -0.7f, 0.1f, 0.45f, -0.2f, 0.6f, -0.35f, 0.02f},
          .what = "weights, at least two",
          .work = work};
}

}  // namespace espalier::compress::worked
