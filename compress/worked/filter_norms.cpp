#include <fmt/format.h>

#include <cmath>

#include "espalier/compress/pruners/l1_filter_pruner.h"
#include "espalier/compress/pruners/l2_filter_pruner.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/filters.h"

namespace espalier::compress::worked {
namespace {

/// The sum of a filter as it is written down, from its two weights.
using Written = std::string (*)(const std::string& a, const std::string& b);

template <class Algorithm>
std::string work(const std::string& name, const std::string& formula, Written written,
                 const std::vector<float>& weights) {
  const int64_t filters = filters_in(weights, 2, name);
  SmallLayer layer(weights, filters);
  Algorithm pruner(filter_rules());
  layer.attach(pruner);
  const std::vector<double> scores =
      pruner.score_filters("layer", Tensor::from({filters, 2}, weights));
  std::vector<std::string> sums;
  for (size_t i = 0; i < weights.size(); i += 2) {
    sums.push_back(written(number(std::abs(weights[i]), 6), number(std::abs(weights[i + 1]), 6)));
  }
  return fmt::format("A filter of two weights scores {}; those of lowest score go.\n\n", formula) +
         decided(filter_table(weights).column("sum", sums), scores, layer);
}

/// Filters that the two norms disagree about: all of the size in one weight, or shared by both.
std::vector<float> filters() {
  return {0.5f, -0.5f, 0.8f, 0, 0.3f, 0.9f, -0.55f, 0.55f, 0.1f, -0.8f};
}

constexpr const char* what = "weights, two for each filter, at least four";

}  // namespace

WorkedExample l1_filter_pruner() {
  return {.numbers = filters(), .what = what, .work = [](const std::vector<float>& weights) {
            return work<L1FilterPruner>(
                "L1FilterPruner", "|w1| + |w2|",
                [](const std::string& a, const std::string& b) { return a + " + " + b; }, weights);
          }};
}

WorkedExample l2_filter_pruner() {
  return {
      .numbers = filters(), .what = what, .work = [](const std::vector<float>& weights) {
        return work<L2FilterPruner>(
            "L2FilterPruner", "√(w1² + w2²)",
            [](const std::string& a, const std::string& b) { return "√(" + a + "² + " + b + "²)"; },
            weights);
      }};
}

}  // namespace espalier::compress::worked
