#include "espalier/compress/pruners/l1_filter_pruner.h"

#include <cmath>

namespace espalier::compress {

std::vector<double> L1FilterPruner::score_filters(const std::string& /*layer*/,
                                                  const Tensor& weight) {
  std::vector<double> norms(static_cast<size_t>(weight.shape()[0]));
  const int64_t elements = weight.size() / weight.shape()[0];
  for (int64_t i = 0; i < weight.size(); ++i)
    norms[static_cast<size_t>(i / elements)] += std::abs(double{weight[i]});
  return norms;
}

}  // namespace espalier::compress
