#pragma once

#include <cstdint>
#include <vector>

#include "espalier/autograd/tensor.h"
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
  /// The fraction that only the exported network, and only the other, gets right.
  double gained = 0, lost = 0;
  /// Largest difference of a picture's scores in relation to its largest |score|: mean, and most.
  double mean_drift = 0, largest_drift = 0;

  /// Whether the accuracies differ by no more than chance makes them: were each picture that one of
  /// the two alone gets right as likely to be the one's as the other's (McNemar's test), gained and
  /// lost pictures would differ by more than 3·√(gained + lost) once in 370 times.
  bool same_accuracy() const;
};

/// Asks both for all pictures of a data set, whose samples are bytes. The model is in evaluation
/// mode meanwhile.
Agreement agreement(nn::Module& model, ExportedFile& file, const datasets::Dataset& pictures);

/// The first `count` pictures as the bytes they were: `H×W×C` each. \throws Error for a data set
/// whose samples are no normalised bytes
std::vector<std::vector<uint8_t>> picture_bytes(const datasets::Dataset& pictures, int64_t count);
/// The same as a model takes them: `N×H×W×C`.
Tensor first_pictures(const datasets::Dataset& pictures, int64_t count);

}  // namespace espalier::experiment
