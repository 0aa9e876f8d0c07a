#pragma once

#include <functional>
#include <vector>

#include "espalier/compress/sensitivity/sensitivity_analysis.h"

namespace espalier::compress {

/// 1 where a weight stays at this threshold: in the simplest case where |w| is above it.
using MaskUpTo =
    std::function<Tensor(const LayerInfo& layer, const Tensor& weight, double threshold)>;

struct ThresholdSearchOptions {
  /// Where curves are measured; the last one is the most that a layer can get.
  std::vector<double> sparsities = {0.1, 0.2, 0.3,  0.4,  0.5,  0.6,  0.7,
                                    0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995};
  MaskUpTo mask = {};  ///< not given: |w| > threshold
  /// σ by layer; not given: the standard deviation of the masked weight.
  std::vector<double> deviations = {};
  std::function<void(const SensitivityProgress&)> on_point = {};
};

struct FoundThresholds {
  std::vector<double> quality = {};   ///< q by layer: a weight stays if |w| > q·σ
  std::vector<double> sparsity = {};  ///< what these thresholds come to, by layer
  double total = 0;                   ///< and in all
  double drop = 0;                    ///< δ: no layer alone loses more accuracy, by the curves
  double before = 0;                  ///< accuracy without these thresholds
  double accuracy = 0;                ///< and with all of them, measured, nothing retrained
};

/// Finds thresholds for a goal as Han et al. (*Learning both Weights and Connections for Efficient
/// Neural Networks*, arXiv 1506.02626, sections 3 and 5) choose theirs, by the sensitivity of each
/// layer to pruning. Each layer's accuracy is measured at several sparsities, the others left
/// alone; the curves through these points (`DropCurve`) tell for every layer the largest threshold
/// at which accuracy has not fallen by more than δ, the same for all; the least δ is taken at which
/// the layers together have the sparsity `goal`. Stored weights are never written.
///
/// Weights should be trained: while a network guesses, no layer has anything to lose.
/// \throws Error for a goal outside [0, 1), or beyond what the sparsities reach
FoundThresholds find_thresholds(const std::vector<LayerInfo>& layers, double goal,
                                AccuracyMeasure& accuracy,
                                const ThresholdSearchOptions& options = {});

/// The same with a function of your own that evaluates the model.
FoundThresholds find_thresholds(nn::Module& model, const std::vector<LayerInfo>& layers,
                                double goal, const CustomAccuracy::Function& accuracy,
                                const ThresholdSearchOptions& options = {});

}  // namespace espalier::compress
