#include "espalier/compress/pruners/taylor_pruner.h"

#include <fmt/format.h>

#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/filters.h"

namespace espalier::compress::worked {
namespace {

std::string work(const std::vector<float>& numbers) {
  const int64_t filters = filters_in(numbers, 4, "TaylorPruner");
  std::vector<float> weights, gradients;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    weights.push_back(numbers[i]);
    gradients.push_back(numbers[i + 1]);
  }
  SmallLayer layer(weights, filters);
  TaylorPruner pruner(filter_rules());
  layer.attach(pruner);
  layer.pass(gradients);  // the one batch that it sees
  const std::vector<double> scores =
      pruner.score_filters("layer", Tensor::from({filters, 2}, weights));
  pruner.update_epoch(1);
  layer.pass(gradients);

  std::vector<std::string> products;
  for (size_t i = 0; i < weights.size(); i += 2) {
    const auto product = [&](size_t at) {
      return number(double{gradients[at]} * double{weights[at]});
    };
    products.push_back("(" + plus({product(i), product(i + 1)}) + ")²");
  }
  return "A filter scores (g1·w1 + g2·w2)², g the gradient of the loss (equation 8); of\n"
         "several batches the mean, here there is one. To first order the loss changes\n"
         "by that sum if the filter goes, so the lowest go.\n\n" +
         decided(filter_table(weights)
                     .column("gradients", filter_cells(gradients))
                     .column("(Σ g·w)²", products),
                 scores, layer);
}

}  // namespace

WorkedExample taylor_pruner() {
  return {.numbers = {0.5f, 0.2f, -0.4f, 0.1f, 0.9f,  0.3f,  0.6f, -0.5f, 0.1f,  0.8f,
                      0.2f, 0.4f, 0.7f,  0.1f, -0.3f, -0.2f, 0.2f, -0.5f, -0.1f, 0.5f},
          .what =
              "pairs of a weight and its gradient, two pairs for each filter, at least eight "
              "numbers",
          .work = work};
}

}  // namespace espalier::compress::worked
