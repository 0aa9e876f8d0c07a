#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "espalier/compress/layer_info.h"
#include "espalier/compress/sensitivity/accuracy_measure.h"

/// How much accuracy a trained network loses when one of its layers is pruned or quantized and the
/// others are left alone, without any retraining: which layers can bear how much.
namespace espalier::compress {

/// The accuracy with one layer masked to a sparsity.
struct SparsityPoint {
  double sparsity;  ///< masked fraction of the whole layer
  double accuracy;
};

/// The accuracy with one layer's weights on a grid.
struct BitsPoint {
  int bits;
  double accuracy;
};

/// What was measured at one layer.
struct LayerSensitivity {
  std::string layer, type = {};
  int64_t weights = 0;
  double sparsity = 0;  ///< the fraction of zeros that it has as it is
  std::vector<SparsityPoint> by_sparsity = {};
  std::vector<BitsPoint> by_bits = {};
};

struct SensitivityAnalysis {
  double accuracy = 0;  ///< with every layer as it is
  std::vector<LayerSensitivity> layers;
  /// Layers for which, for want of memory, more was computed again than necessary.
  std::vector<std::string> recomputed;
};

/// A point has been measured.
struct SensitivityProgress {
  std::string layer;
  std::string change;  ///< `sparsity 0.9`, `4 bits`
  int64_t done = 0, points = 0;
  double accuracy = 0;
};

/// 1 where a weight stays when this fraction of all, at least, is masked; `weight` has zeros where
/// it is masked already.
using MaskToSparsity =
    std::function<Tensor(const LayerInfo& layer, const Tensor& weight, double sparsity)>;

struct SensitivityOptions {
  std::vector<double> sparsities = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  /// Of symmetric grids, a step for each output channel; see `quantize_symmetric`.
  std::vector<int> bits = {8, 7, 6, 5, 4, 3, 2};
  /// Not given: exactly round(sparsity·n) weights are masked, smallest magnitudes first.
  MaskToSparsity mask = {};
  std::function<void(const SensitivityProgress&)> on_point = {};
  std::function<void(const LayerSensitivity&)> on_layer = {};  ///< a layer is done
};

/// Measures the layers one after the other, each at every sparsity and number of bits. Stored
/// weights are never written. A layer that has zeros already is measured from there: up to the
/// sparsity that it has, the accuracy is the present one. A layer that is quantized already gets no
/// points by bits.
/// \param layers  in the order of the network, mostly all: `compressible_layers(model)`
/// \throws Error for sparsities outside [0, 1) or not rising, or bits that are no grid
SensitivityAnalysis analyse_sensitivity(const std::vector<LayerInfo>& layers,
                                        AccuracyMeasure& accuracy,
                                        const SensitivityOptions& options = {});

/// All layers of a model, on samples.
SensitivityAnalysis analyse_sensitivity(nn::Module& model, BatchSource& samples,
                                        const SensitivityOptions& options = {});

/// The accuracy with all these layers masked at once, each to its sparsity: round(sparsity·n)
/// weights of smallest magnitude.
double accuracy_together(const std::vector<LayerInfo>& layers, AccuracyMeasure& accuracy,
                         const std::vector<double>& sparsity);

}  // namespace espalier::compress
