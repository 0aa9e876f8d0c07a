#pragma once

#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/sensitivity/allocation.h"

namespace espalier::app {

/// What a file of rules is made from.
struct SensitivityRules {
  std::string run;
  std::string command;  ///< as it was typed, for the comment
  std::string pictures;
  int epochs;  ///< of the run, whose schedule these rules take over
  std::vector<compress::LayerInfo> layers;
  compress::Allocation allocation;
  double before = 0;    ///< accuracy as it is
  double accuracy = 0;  ///< with all layers at these sparsities, measured, nothing retrained
};

/// Sparsities in steps of 0.0001, as people write them: `up` to the next one, or down.
compress::Allocation rounded(const compress::Allocation& allocation,
                             const std::vector<compress::LayerInfo>& layers, bool up);

/// A section AGPruner with a rule for each layer that is to be sparse, and a comment that says how
/// it was found.
std::string to_yaml(const SensitivityRules& rules);

}  // namespace espalier::app
