#pragma once

#include <cstdint>
#include <vector>

#include "espalier/datasets/dataset.h"
#include "espalier/experiment/exported_file.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

/// How an exported network answers beside the network that it was exported from.
struct Agreement {
  int64_t pictures = 0;
  double accuracy = 0;            ///< of the exported network
  double framework_accuracy = 0;  ///< of the other
  double same_answer = 0;         ///< the fraction to which both give the same class
  /// The fraction to which they do not although the other network is decided: it scores its own
  /// answer higher by more than `tie` of the picture's largest |score|.
  double contradicted = 0;
  static constexpr double tie = 0.05;
  /// Largest difference of a picture's scores in relation to its largest |score|: mean, and most.
  double mean_drift = 0, largest_drift = 0;
};

/// Asks both for all pictures of a data set, whose samples are bytes. The model is in evaluation
/// mode meanwhile.
Agreement agreement(nn::Module& model, ExportedFile& file, const datasets::Dataset& pictures);

/// The first `count` pictures as the bytes they were: `H×W×C` each. \throws Error for a data set
/// whose samples are no normalised bytes
std::vector<std::vector<uint8_t>> picture_bytes(const datasets::Dataset& pictures, int64_t count);

}  // namespace espalier::experiment
