#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "espalier/compress/sensitivity/sensitivity_analysis.h"

namespace espalier::compress {

/// The accuracy that a layer loses at any sparsity, from what was measured: straight lines between
/// the points, and never falling. (Where accuracy rises again with sparsity, which is chance, the
/// loss stays at what it was.) It begins at the sparsity that the layer has, with no loss.
class DropCurve {
 public:
  DropCurve(const LayerSensitivity& layer, double accuracy);

  int64_t weights() const { return weights_; }
  double least() const { return points_.front().sparsity; }  ///< what the layer has
  double most() const { return points_.back().sparsity; }    ///< the last point measured
  /// The loss at a sparsity; beyond the last point that of the last one.
  double drop_at(double sparsity) const;
  /// The largest sparsity whose loss is `drop` at most.
  double sparsity_within(double drop) const;
  double largest_drop() const { return points_.back().drop; }

 private:
  struct Point {
    double sparsity, drop;
  };
  int64_t weights_;
  std::vector<Point> points_;  // both rising
};

/// A curve for each layer.
std::vector<DropCurve> drop_curves(const SensitivityAnalysis& analysis);

/// A sparsity for each layer, so that each loses as much accuracy alone.
struct Allocation {
  double drop = 0;               ///< δ: no layer loses more alone
  std::vector<double> sparsity;  ///< by layer
  double total = 0;              ///< of all weights together, Σ round(sparsity·n) / Σ n
};

/// For every layer the largest sparsity whose loss is `drop` at most.
Allocation allocate_within(const std::vector<DropCurve>& curves, double drop);

/// The least δ at which the layers together have the sparsity `goal` (Han et al., arXiv
/// 1506.02626, choose thresholds by such curves). Where the total jumps at that δ, as it does
/// where no loss was measured at all, the layers go the same part of their jumps, so that the total
/// is the goal or, by single weights, above.
/// \throws Error when the points measured do not reach so far
Allocation allocate_to_sparsity(const std::vector<DropCurve>& curves, double goal);

/// The largest δ, `max_drop` at most, at which accuracy with all layers changed at once has not
/// fallen by more than `max_drop`; if it has even at δ = 0, less than that allows.
/// \param accuracy  measures it for a sparsity of each layer
/// \param before    with every layer as it is
Allocation allocate_to_drop(
    const std::vector<DropCurve>& curves, double before, double max_drop,
    const std::function<double(const std::vector<double>& sparsity)>& accuracy);

}  // namespace espalier::compress
