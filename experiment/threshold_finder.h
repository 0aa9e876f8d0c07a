#pragma once

#include <string>
#include <vector>

#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/sensitivity/threshold_search.h"
#include "espalier/experiment/choice_pictures.h"

namespace espalier::experiment {

/// What a search for thresholds came to, for one rule of a SensitivityPruner.
struct ThresholdsFound {
  std::string rule;  ///< `SensitivityPruner rule 1`
  double goal;       ///< the rule's sparsity
  std::vector<std::string> layers;
  compress::FoundThresholds found;
  ChoicePictures pictures;  ///< that it was measured on
};

/// Follows the search; for a display.
class SearchListener {
 public:
  virtual ~SearchListener() = default;
  virtual void on_search_point(const compress::SensitivityProgress&) {}
  virtual void on_thresholds_found(const ThresholdsFound&) {}
};

/// The thresholds of all layers of the pruner, for `SensitivityPruner::set_search`: those of rules
/// that have a sparsity as their goal are found, see `compress::find_thresholds`, on the model as
/// it is now.
std::vector<double> find_thresholds(nn::Module& model, const compress::SensitivityPruner& pruner,
                                    const ChoicePictures& pictures, SearchListener& listener);

}  // namespace espalier::experiment
