#include "espalier/compress/sensitivity/sensitivity_analysis.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/ranking.h"
#include "espalier/compress/sensitivity/weight_trial.h"

namespace espalier::compress {
namespace {

void check(const SensitivityOptions& options) {
  double before = 0;
  for (const double sparsity : options.sparsities) {
    if (!(sparsity >= before && sparsity < 1)) {
      throw Error("sensitivity", fmt::format("sparsities must rise within [0, 1); {:g} does not "
                                             "go behind {:g}",
                                             sparsity, before));
    }
    before = sparsity;
  }
  for (const int bits : options.bits) largest_code(bits);  // throws
}

Tensor without_smallest(const Tensor& weight, double sparsity) {
  return zero_where_masked(weight, mask_smallest(weight, masked_count(sparsity, weight.size())));
}

/// The measuring of one model.
class Analysis {
 public:
  Analysis(AccuracyMeasure& accuracy, const SensitivityOptions& options, size_t layers)
      : accuracy_(accuracy), options_(options) {
    points_ = static_cast<int64_t>(layers * (options.sparsities.size() + options.bits.size()));
  }

  LayerSensitivity measure(const LayerInfo& layer, double present) {
    LayerSensitivity result{.layer = layer.name, .type = layer.type};
    result.weights = layer.shape.elements();
    result.sparsity = zeros_of(layer.parameter->effective_value());
    for (const double sparsity : options_.sparsities) {
      const SparsityPoint point = measure(layer, result, sparsity, present);
      result.by_sparsity.push_back(point);
      report(layer, fmt::format("sparsity {:g}", sparsity), point.accuracy);
    }
    for (const int bits : options_.bits) {
      if (!WeightTrial::can_have_grid(*layer.parameter)) {
        ++done_;
        continue;
      }
      const WeightTrial trial = WeightTrial::grid(*layer.parameter, [&](const Tensor& weight) {
        return quantize_symmetric(weight, bits, true);
      });
      result.by_bits.push_back({bits, accuracy_.measure()});
      report(layer, fmt::format("{} bits", bits), result.by_bits.back().accuracy);
    }
    if (options_.on_layer) options_.on_layer(result);
    return result;
  }

 private:
  SparsityPoint measure(const LayerInfo& layer, const LayerSensitivity& now, double sparsity,
                        double present) {
    if (sparsity <= now.sparsity) return {sparsity, present};
    double reached = sparsity;
    const WeightTrial trial = WeightTrial::mask(*layer.parameter, [&](const Tensor& weight) {
      if (!options_.mask) return without_smallest(weight, sparsity);
      const Tensor masked = zero_where_masked(weight, options_.mask(layer, weight, sparsity));
      reached = zeros_of(masked);
      return masked;
    });
    const double accuracy = accuracy_.measure();
    return {reached, accuracy};
  }

  void report(const LayerInfo& layer, const std::string& change, double accuracy) {
    ++done_;
    if (options_.on_point) options_.on_point({layer.name, change, done_, points_, accuracy});
  }

  AccuracyMeasure& accuracy_;
  const SensitivityOptions& options_;
  int64_t done_ = 0, points_ = 0;
};

}  // namespace

SensitivityAnalysis analyse_sensitivity(const std::vector<LayerInfo>& layers,
                                        AccuracyMeasure& accuracy,
                                        const SensitivityOptions& options) {
  check(options);
  if (layers.empty()) throw Error("sensitivity", "there is no layer to measure");
  SensitivityAnalysis result;
  Analysis analysis(accuracy, options, layers.size());
  for (const LayerInfo& layer : layers) {
    accuracy.change_from(layer.name);
    if (accuracy.recomputes()) result.recomputed.push_back(layer.name);
    if (result.layers.empty()) result.accuracy = accuracy.measure();
    result.layers.push_back(analysis.measure(layer, result.accuracy));
  }
  return result;
}

SensitivityAnalysis analyse_sensitivity(nn::Module& model, BatchSource& samples,
                                        const SensitivityOptions& options) {
  SuffixAccuracy accuracy(model, samples);
  return analyse_sensitivity(compressible_layers(model), accuracy, options);
}

double accuracy_together(const std::vector<LayerInfo>& layers, AccuracyMeasure& accuracy,
                         const std::vector<double>& sparsity) {
  std::vector<WeightTrial> trials;
  for (size_t i = 0; i < layers.size(); ++i) {
    const double each = sparsity.at(i);
    trials.push_back(WeightTrial::mask(*layers[i].parameter, [each](const Tensor& weight) {
      return without_smallest(weight, each);
    }));
  }
  accuracy.change_from(layers.at(0).name);
  return accuracy.measure();
}

}  // namespace espalier::compress
