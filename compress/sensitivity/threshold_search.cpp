#include "espalier/compress/sensitivity/threshold_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/ranking.h"
#include "espalier/compress/sensitivity/allocation.h"
#include "espalier/compress/sensitivity/bisection.h"
#include "espalier/compress/sensitivity/weight_trial.h"

namespace espalier::compress {
namespace {

/// Halvings of a threshold: single weights lie further apart than what is left then.
constexpr int halvings = 40;
/// A little more than the threshold, so that no rounding takes its last weight back; less than lies
/// between two floats.
constexpr double slack = 1e-9;

Tensor masked_up_to(const MaskUpTo& mask, const LayerInfo& layer, const Tensor& weight,
                    double threshold) {
  return zero_where_masked(
      weight, mask ? mask(layer, weight, threshold) : mask_up_to(weight, threshold, Ranking()));
}

/// The least threshold at which this fraction of the weights is masked.
double threshold_for(const MaskUpTo& mask, const LayerInfo& layer, const Tensor& weight,
                     double sparsity) {
  const int64_t count = masked_count(sparsity, weight.size());
  const auto enough = [&](double threshold) {
    const Tensor masked = masked_up_to(mask, layer, weight, threshold);
    return std::count(masked.values().begin(), masked.values().end(), 0.0f) >= count;
  };
  if (enough(0)) return 0;
  return Bisection{0, double{largest_magnitude(weight)}}.halve(halvings, enough).above;
}

SensitivityOptions analysis_options(const ThresholdSearchOptions& options) {
  SensitivityOptions analysis{
      .sparsities = options.sparsities, .bits = {}, .on_point = options.on_point};
  if (options.mask) {
    analysis.mask = [&options](const LayerInfo& layer, const Tensor& weight, double sparsity) {
      return options.mask(layer, weight, threshold_for(options.mask, layer, weight, sparsity));
    };
  }
  return analysis;
}

}  // namespace

FoundThresholds find_thresholds(const std::vector<LayerInfo>& layers, double goal,
                                AccuracyMeasure& accuracy, const ThresholdSearchOptions& options) {
  if (!(goal >= 0 && goal < 1))
    throw Error("sensitivity", fmt::format("a sparsity to reach must be in [0, 1), not {}", goal));
  if (!options.deviations.empty() && options.deviations.size() != layers.size()) {
    throw Error("sensitivity", fmt::format("{} deviations were given for {} layers",
                                           options.deviations.size(), layers.size()));
  }
  const SensitivityAnalysis analysis =
      analyse_sensitivity(layers, accuracy, analysis_options(options));
  const Allocation allocation = allocate_to_sparsity(drop_curves(analysis), goal);

  FoundThresholds found{.drop = allocation.drop, .before = analysis.accuracy};
  std::vector<WeightTrial> trials;
  double zeros = 0, weights = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    nn::Parameter& parameter = *layers[i].parameter;
    const Tensor weight = masked_weight(parameter);
    const double threshold = threshold_for(options.mask, layers[i], weight, allocation.sparsity[i]);
    const double deviation =
        options.deviations.empty() ? standard_deviation(weight) : options.deviations[i];
    const double quality = deviation > 0 ? threshold * (1 + slack) / deviation : 0;
    const Tensor masked = masked_up_to(options.mask, layers[i], weight, quality * deviation);
    found.quality.push_back(quality);
    found.sparsity.push_back(zeros_of(masked));
    zeros += found.sparsity.back() * static_cast<double>(weight.size());
    weights += static_cast<double>(weight.size());
    trials.push_back(WeightTrial::mask(parameter, [masked](const Tensor&) { return masked; }));
  }
  found.total = zeros / weights;
  accuracy.change_from(layers.front().name);
  found.accuracy = accuracy.measure();
  return found;
}

FoundThresholds find_thresholds(nn::Module& model, const std::vector<LayerInfo>& layers,
                                double goal, const CustomAccuracy::Function& accuracy,
                                const ThresholdSearchOptions& options) {
  CustomAccuracy measure(model, accuracy);
  return find_thresholds(layers, goal, measure, options);
}

}  // namespace espalier::compress
