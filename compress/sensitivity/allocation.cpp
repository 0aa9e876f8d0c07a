#include "espalier/compress/sensitivity/allocation.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/ranking.h"
#include "espalier/compress/sensitivity/bisection.h"

namespace espalier::compress {
namespace {

/// Halvings after which a number between 0 and 1 is as exact as it will get.
constexpr int exact = 60;
/// Halvings where each costs a measurement.
constexpr int measured = 8;
/// Of accuracies; one picture more or less is much more than that.
constexpr double rounding = 1e-9;

double total_of(const std::vector<DropCurve>& curves, const std::vector<double>& sparsity) {
  int64_t masked = 0, weights = 0;
  for (size_t i = 0; i < curves.size(); ++i) {
    masked += masked_count(sparsity[i], curves[i].weights());
    weights += curves[i].weights();
  }
  return weights == 0 ? 0 : static_cast<double>(masked) / static_cast<double>(weights);
}

Allocation allocation(const std::vector<DropCurve>& curves, double drop,
                      std::vector<double> sparsity) {
  const double total = total_of(curves, sparsity);
  return {drop, std::move(sparsity), total};
}

/// What the layers have as they are.
std::vector<double> present(const std::vector<DropCurve>& curves) {
  std::vector<double> sparsity;
  for (const DropCurve& curve : curves) sparsity.push_back(curve.least());
  return sparsity;
}

/// From `a` this part of the way to `b`.
std::vector<double> between(const std::vector<double>& a, const std::vector<double>& b,
                            double part) {
  std::vector<double> sparsity;
  for (size_t i = 0; i < a.size(); ++i) sparsity.push_back(a[i] + part * (b[i] - a[i]));
  return sparsity;
}

}  // namespace

DropCurve::DropCurve(const LayerSensitivity& layer, double accuracy)
    : weights_(layer.weights), points_{{layer.sparsity, 0}} {
  for (const SparsityPoint& point : layer.by_sparsity) {
    if (point.sparsity <= points_.back().sparsity) continue;
    points_.push_back({point.sparsity, std::max(points_.back().drop, accuracy - point.accuracy)});
  }
}

double DropCurve::drop_at(double sparsity) const {
  for (size_t i = 1; i < points_.size(); ++i) {
    const Point &a = points_[i - 1], &b = points_[i];
    if (sparsity > b.sparsity) continue;
    const double part = std::max(0.0, (sparsity - a.sparsity) / (b.sparsity - a.sparsity));
    return a.drop + part * (b.drop - a.drop);
  }
  return largest_drop();
}

double DropCurve::sparsity_within(double drop) const {
  for (size_t i = 1; i < points_.size(); ++i) {
    const Point &a = points_[i - 1], &b = points_[i];
    if (b.drop <= drop) continue;
    const double part = std::max(0.0, (drop - a.drop) / (b.drop - a.drop));
    return a.sparsity + part * (b.sparsity - a.sparsity);
  }
  return most();
}

std::vector<DropCurve> drop_curves(const SensitivityAnalysis& analysis) {
  std::vector<DropCurve> curves;
  for (const LayerSensitivity& layer : analysis.layers)
    curves.emplace_back(layer, analysis.accuracy);
  return curves;
}

Allocation allocate_within(const std::vector<DropCurve>& curves, double drop) {
  std::vector<double> sparsity;
  for (const DropCurve& curve : curves) sparsity.push_back(curve.sparsity_within(drop));
  return allocation(curves, drop, std::move(sparsity));
}

Allocation allocate_to_sparsity(const std::vector<DropCurve>& curves, double goal) {
  const Allocation now = allocation(curves, 0, present(curves));
  if (now.total >= goal) return now;
  double largest = 0;
  for (const DropCurve& curve : curves) largest = std::max(largest, curve.largest_drop());
  if (const double most = allocate_within(curves, largest).total; most < goal) {
    throw Error("sensitivity",
                fmt::format("a sparsity of {:g} in all is beyond what was measured: with every "
                            "layer at its last point it is {:.4f}; measure sparser points",
                            goal, most));
  }
  Bisection drops{0, largest};
  const auto reached = [&](double drop) { return allocate_within(curves, drop).total >= goal; };
  std::vector<double> less = now.sparsity;
  if (reached(0)) {
    drops = {0, 0};
  } else {
    drops.halve(exact, reached);
    less = allocate_within(curves, drops.below).sparsity;
  }
  const std::vector<double> more = allocate_within(curves, drops.above).sparsity;
  Bisection part{0, 1};
  part.halve(exact,
             [&](double middle) { return total_of(curves, between(less, more, middle)) >= goal; });
  return allocation(curves, drops.above, between(less, more, part.above));
}

Allocation allocate_to_drop(
    const std::vector<DropCurve>& curves, double before, double max_drop,
    const std::function<double(const std::vector<double>& sparsity)>& accuracy) {
  const auto too_much = [&](const std::vector<double>& sparsity) {
    return before - accuracy(sparsity) > max_drop + rounding;
  };
  const Allocation most = allocate_within(curves, max_drop);
  if (!too_much(most.sparsity)) return most;
  const Allocation free = allocate_within(curves, 0);
  if (!too_much(free.sparsity)) {
    Bisection drops{0, max_drop};
    drops.halve(measured,
                [&](double drop) { return too_much(allocate_within(curves, drop).sparsity); });
    return allocate_within(curves, drops.below);
  }
  // No layer alone loses anything there, but all together do.
  const std::vector<double> now = present(curves);
  Bisection part{0, 1};
  part.halve(measured,
             [&](double middle) { return too_much(between(now, free.sparsity, middle)); });
  return allocation(curves, 0, between(now, free.sparsity, part.below));
}

}  // namespace espalier::compress
