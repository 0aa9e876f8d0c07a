#include "espalier/compress/pruners/fpgm_pruner.h"

#include <fmt/format.h>

#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/filters.h"

namespace espalier::compress::worked {
namespace {

constexpr int64_t widest = 6;  // filters whose distances a page shows side by side

std::string work(const std::vector<float>& weights) {
  const int64_t filters = filters_in(weights, 2, "FPGMPruner");
  SmallLayer layer(weights, filters);
  FPGMPruner pruner(filter_rules());
  layer.attach(pruner);
  FPGMPruner scorer;  // to which no filter is gone yet
  Table table = filter_table(weights);
  for (int64_t j = 0; filters <= widest && j < filters; ++j) {
    std::vector<std::string> distances;
    for (int64_t i = 0; i < filters; ++i) {
      // Of a layer of these two alone the score is their distance.
      const auto point = [&](int64_t filter) { return weights.begin() + 2 * filter; };
      std::vector<float> pair(point(i), point(i) + 2);
      pair.insert(pair.end(), point(j), point(j) + 2);
      const double distance = scorer.score_filters("", Tensor::from({2, 2}, pair)).front();
      distances.push_back(fmt::format("{:.2f}", distance));
    }
    table.column(fmt::format("to {}", j + 1), distances);
  }
  return "A filter of two weights is a point of the plane. It scores the sum of its\n"
         "distances to the others (equation 8), √((a1-b1)² + (a2-b2)²) for two of them.\n"
         "The points in the middle have the lowest sums and go.\n\n" +
         decided(std::move(table), scorer.score_filters("", Tensor::from({filters, 2}, weights)),
                 layer);
}

}  // namespace

WorkedExample fpgm_pruner() {
  return {.numbers = {0.9f, 0.8f, 1, 1.2f, 1.3f, 0.9f, 0.1f, 0.2f, 1.8f, 1.6f},
          .what = "weights, two for each filter, at least four",
          .work = work};
}

}  // namespace espalier::compress::worked
