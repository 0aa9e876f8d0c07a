#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// What one layer does to one sample.
struct LayerSummary {
  std::string path;
  std::string type;
  Shape output;               ///< without the batch axis
  int64_t parameters = 0;     ///< its own, children not counted
  int64_t nonzero = 0;        ///< of these, not zero as the layer sees them
  int64_t multiply_adds = 0;  ///< for one sample, zeros counted as work
};

struct ModelSummary {
  std::vector<LayerSummary> layers;  ///< those that compute something, in order
  int64_t parameters = 0;
  int64_t nonzero = 0;
  int64_t multiply_adds = 0;
  /// A table with a line for each layer and one of totals.
  std::string to_string() const;
};

/// Runs one sample of zeros through the model (in evaluation mode) and lists what happened.
/// \param sample `H×W×C`, or whatever a sample's shape is
ModelSummary summarise(Module& model, const Shape& sample);

}  // namespace espalier::nn
