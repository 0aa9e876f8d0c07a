#pragma once

#include <functional>
#include <string>
#include <vector>

#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// Smaller dropout for what has fewer connections (Han et al., arXiv 1506.02626, section 3.2,
/// equation 2): with the part `kept` of the connections of the layer before it, a dropout of
/// probability p₀ becomes
///
///     p = p₀·√kept
class DropoutScaling {
 public:
  DropoutScaling() = default;
  /// The model's dropout layers, each with the last layer with weights before it, and the
  /// probabilities of this moment as p₀.
  explicit DropoutScaling(nn::Module& model);

  /// \param kept  of a layer by its path
  void apply(const std::function<double(const std::string& layer)>& kept);
  bool empty() const { return dropouts_.empty(); }

 private:
  struct Scaled {
    nn::Dropout* dropout;
    std::string layer;  ///< before it
    double p;           ///< p₀
  };
  std::vector<Scaled> dropouts_;
};

}  // namespace espalier::compress
