#pragma once

#include <string>
#include <vector>

#include "espalier/compress/sensitivity/sensitivity_analysis.h"
#include "espalier/experiment/threshold_finder.h"

/// What is said about how much accuracy a network loses when single layers are compressed.
namespace espalier::app {

/// How much accuracy may be lost, as a fraction, before the tables mark it.
inline constexpr double marked_drop = 0.01;

/// Layers down, sparsities and then bits across, accuracies in percent; a `*` behind those that are
/// more than `marked_drop` below the present accuracy.
std::string sensitivity_tables(const compress::SensitivityAnalysis& analysis);

/// `[===>   ] 23 of 68  conv2 at sparsity 0.7: 98.41 %  0:12 left`.
std::string sensitivity_progress(const compress::SensitivityProgress& progress, double seconds);

/// `5,000 held-out training pictures`.
std::string describe(const experiment::ChoicePictures& pictures);

/// The thresholds that a search has found, and what they come to.
std::string describe_thresholds(const experiment::ThresholdsFound& thresholds);

}  // namespace espalier::app
