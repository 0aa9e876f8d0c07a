#include "espalier/compress/worked/filters.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"

namespace espalier::compress::worked {

Rules filter_rules() {
  return {{{"sparsity", fraction}, {"multiple", 1}, {"support_op", "layer"}}};
}

int64_t filters_in(const std::vector<float>& numbers, int64_t numbers_each,
                   const std::string& algorithm) {
  const auto count = static_cast<int64_t>(numbers.size());
  if (count % numbers_each != 0) {
    throw Error(algorithm, fmt::format("{} do not divide into filters of {} each",
                                       counted(count, "number"), numbers_each));
  }
  if (count < 2 * numbers_each) throw Error(algorithm, "needs at least two filters to compare");
  return count / numbers_each;
}

std::vector<std::string> filter_cells(const std::vector<float>& weights) {
  std::vector<std::string> cells;
  for (size_t i = 0; i + 1 < weights.size(); i += 2)
    cells.push_back(fmt::format("({}, {})", number(weights[i], 6), number(weights[i + 1], 6)));
  return cells;
}

Table filter_table(const std::vector<float>& weights) {
  Table table;
  table.places("filter", weights.size() / 2).column("weights", filter_cells(weights));
  return table;
}

std::string decided(Table table, const std::vector<double>& scores, const SmallLayer& layer) {
  const std::vector<float> kept = layer.kept();
  std::vector<float> filters;  // 1: it stays
  std::string gone, next;
  for (size_t i = 0; i < scores.size(); ++i) {
    filters.push_back(kept[i * kept.size() / scores.size()]);
    if (filters.back() == 0) gone += (gone.empty() ? "" : ", ") + std::to_string(i + 1);
  }
  for (const float input : layer.next_kept()) next += input == 0 ? "0" : "1";
  const bool several = gone.find(',') != std::string::npos;
  table.column("score", scores)
      .column("rank", ranks(std::vector<float>(scores.begin(), scores.end())))
      .column("mask", filters);
  return table.text() +
         fmt::format(
             "\nOf {0} filters round((1 - {1:g})·{0}) = round({2}) stay, those of highest score.\n",
             scores.size(), fraction, number((1 - fraction) * static_cast<double>(scores.size()))) +
         (gone.empty()
              ? "None goes.\n"
              : fmt::format("{} {} {} whole. Mask of the next layer's inputs: {}.\n",
                            several ? "Filters" : "Filter", gone, several ? "go" : "goes", next));
}

}  // namespace espalier::compress::worked
