#include "espalier/experiment/threshold_finder.h"

#include <map>

#include "espalier/autograd/core/engine.h"
#include "espalier/datasets/loader.h"

namespace espalier::experiment {
namespace {

constexpr int64_t batch = 500;

compress::ThresholdSearchOptions options_for(const compress::SensitivityPruner& pruner,
                                             const std::vector<compress::LayerInfo>& layers,
                                             SearchListener& listener) {
  compress::ThresholdSearchOptions options;
  options.mask = [&pruner](const compress::LayerInfo& layer, const Tensor& weight,
                           double threshold) { return pruner.mask_at(layer, weight, threshold); };
  for (const compress::LayerInfo& layer : layers)
    options.deviations.push_back(pruner.present_deviation(layer));
  options.on_point = [&listener](const compress::SensitivityProgress& progress) {
    listener.on_search_point(progress);
  };
  return options;
}

}  // namespace

std::vector<double> find_thresholds(nn::Module& model, const compress::SensitivityPruner& pruner,
                                    const ChoicePictures& pictures, SearchListener& listener) {
  std::vector<double> sensitivities(pruner.layers().size(), 0);
  std::map<int, std::vector<compress::LayerInfo>> by_rule;
  for (const compress::LayerInfo& layer : pruner.layers()) {
    if (pruner.needs_threshold(layer)) by_rule[layer.rule].push_back(layer);
  }
  datasets::Loader samples(pictures.pictures, {.batch = batch});
  const double guessing = 1.0 / samples.classes();
  for (const auto& [rule, layers] : by_rule) {
    compress::SuffixAccuracy accuracy(model, samples);
    const double goal = *pruner.sparsity_goal(layers.front());
    ThresholdsFound result{pruner.rule_name(rule), goal, {}, {}, pictures};
    result.found =
        compress::find_thresholds(layers, goal, accuracy, options_for(pruner, layers, listener));
    for (size_t i = 0; i < layers.size(); ++i) {
      result.layers.push_back(layers[i].name);
      sensitivities[static_cast<size_t>(layers[i].index)] = result.found.quality[i];
    }
    if (result.found.before < 2 * guessing) {
      Engine::current().warn("[" + result.rule +
                             "] thresholds were found while the network still guessed, so they "
                             "tell nothing of its layers; set start_epoch to an epoch at which it "
                             "has learned, or start_from to a trained run");
    }
    listener.on_thresholds_found(result);
  }
  return sensitivities;
}

}  // namespace espalier::experiment
