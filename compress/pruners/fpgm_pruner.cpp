#include "espalier/compress/pruners/fpgm_pruner.h"

#include <cmath>

namespace espalier::compress {

std::vector<double> FPGMPruner::score_filters(const std::string& layer, const Tensor& weight) {
  const int64_t filters = weight.shape()[0], elements = weight.size() / filters;
  // A filter that is masked for good lies at 0: as a neighbour it would draw the others' median
  // there, and the smallest would go.
  const std::vector<bool> gone = gone_filters(layer, filters);
  std::vector<double> distances(static_cast<size_t>(filters));
  for (int64_t i = 0; i < filters; ++i) {
    if (gone[static_cast<size_t>(i)]) continue;
    const float* a = weight.data() + i * elements;
    for (int64_t j = 0; j < i; ++j) {
      if (gone[static_cast<size_t>(j)]) continue;
      const float* b = weight.data() + j * elements;
      double squares = 0;
      for (int64_t k = 0; k < elements; ++k) {
        const double difference = double{a[k]} - double{b[k]};
        squares += difference * difference;
      }
      distances[static_cast<size_t>(i)] += std::sqrt(squares);
      distances[static_cast<size_t>(j)] += std::sqrt(squares);
    }
  }
  return distances;
}

}  // namespace espalier::compress
