#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/by_hand.h"

namespace espalier::compress::worked {
namespace {

constexpr AGPruner::CubicSchedule schedule{
    .initial_sparsity = 0.2, .final_sparsity = 0.8, .start = 0, .end = 5, .frequency = 1};

std::string equation(int64_t n) {
  const int64_t last = schedule.times().last();
  std::vector<int64_t> times, counts;
  std::vector<double> cubes, sparsities;
  for (int64_t t = schedule.start; t <= last; ++t) {
    const double left = 1 - static_cast<double>(t) / static_cast<double>(last);
    times.push_back(t);
    cubes.push_back(left * left * left);
    sparsities.push_back(schedule.sparsity_at(t));
    counts.push_back(masked_count(sparsities.back(), n));
  }
  return fmt::format(
             "Equation 1, s_i = {0}, s_f = {1}, t0 = 0, n·dt = {2} (end_epoch {3}, frequency "
             "1):\n\n"
             "  s(t) = {1} + ({0} - {1})·(1 - t/{2})³\n\n"
             "Of {4} weights k = round(s·{4}) are masked, those of smallest magnitude:\n\n",
             schedule.initial_sparsity, schedule.final_sparsity, last, schedule.end, n) +
         Table()
             .column("t", times)
             .column(fmt::format("(1 - t/{})³", last), cubes, 6)
             .column("s(t)", sparsities, 6)
             .column("k", counts)
             .text();
}

std::string work(const std::vector<float>& weights) {
  if (weights.size() < 2) throw Error("AGPruner", "needs at least two weights to rank");
  SmallLayer layer(weights);
  AGPruner pruner({{{"initial_sparsity", schedule.initial_sparsity},
                    {"final_sparsity", schedule.final_sparsity},
                    {"start_epoch", schedule.start},
                    {"end_epoch", schedule.end},
                    {"frequency", schedule.frequency},
                    {"support_op", "layer"}}});
  layer.attach(pruner);
  Table table;
  table.places("i", weights.size())
      .column("w", weights, 6)
      .column("|w|", magnitudes(weights), 6)
      .column("rank", ranks(weights));
  for (int64_t t = schedule.start; t <= schedule.times().last(); ++t) {
    pruner.update_epoch(static_cast<int>(t));
    layer.pass();
    table.column(fmt::format("t={}", t), layer.kept());
  }
  table.column("effective", layer.effective(), 6);
  return equation(static_cast<int64_t>(weights.size())) +
         "\nThe masks by epoch, and what is left in the end (no training in between):\n\n" +
         table.text();
}

}  // namespace

WorkedExample ag_pruner() {
  return {.numbers = {0.9f, -0.05f, 0.3f, -0.7f, 0.1f, 0.45f, -0.2f, 0.6f, -0.35f, 0.02f},
          .what = "weights, at least two",
          .work = work};
}

}  // namespace espalier::compress::worked
