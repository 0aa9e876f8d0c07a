#include "espalier/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/random.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"

namespace espalier {
namespace {

/// Weights of the sum that turns a result into one number: none near zero, none equal.
double result_weight(size_t position) {
  return 0.5 + double{RandomStream(1, Purpose::initialisation).uniform(position)};
}

/// Compares every `analytic[input][element]` with `numeric(input, element)`.
template <class Numeric>
GradcheckResult compare(const DoubleArrays& analytic, double tolerance, Numeric&& numeric) {
  GradcheckResult result;
  double largest = 0;
  for (size_t input = 0; input < analytic.size(); ++input) {
    for (size_t i = 0; i < analytic[input].size(); ++i) {
      const double ours = analytic[input][i], difference = numeric(input, i);
      const double error =
          std::abs(ours - difference) / std::max({1.0, std::abs(ours), std::abs(difference)});
      largest = std::max(largest, std::abs(ours));
      if (error >= result.worst || std::isnan(error)) {
        result.worst = error;
        result.message = "input " + std::to_string(input) + ", element " + std::to_string(i) +
                         ": backward says " + std::to_string(ours) + ", differences say " +
                         std::to_string(difference);
      }
      if (std::isnan(error)) return result;
    }
  }
  if (largest == 0) {
    result.message = "every gradient is zero: the check proves nothing";
    return result;
  }
  result.passed = result.worst <= tolerance;
  return result;
}

}  // namespace

GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                          std::vector<Tensor> inputs, double tolerance, double step) {
  const auto weighted_sum = [](const Tensor& y) {
    double total = 0;
    for (int64_t i = 0; i < y.size(); ++i)
      total += double{y[i]} * result_weight(static_cast<size_t>(i));
    return total;
  };
  for (Tensor& input : inputs) (input = input.detach()).require_grad();
  const Tensor y = function(inputs);
  const Tensor weights = Tensor::generate(y.shape(), [](int64_t i) {
    return static_cast<float>(result_weight(static_cast<size_t>(i)));
  });
  sum(multiply(y, weights)).backward();

  DoubleArrays analytic;
  for (const Tensor& input : inputs) {
    analytic.emplace_back(static_cast<size_t>(input.size()), 0.0);
    if (input.grad().defined())
      std::copy_n(input.grad().data(), input.size(), analytic.back().begin());
  }
  NoGrad no_grad;
  return compare(analytic, tolerance, [&](size_t input, size_t i) {
    const auto at = [&](double offset) {
      std::vector<Tensor> moved = inputs;
      std::vector<float> values(inputs[input].values().begin(), inputs[input].values().end());
      values[i] = static_cast<float>(double{values[i]} + offset);
      moved[input] = Tensor::from(inputs[input].shape(), values);
      return weighted_sum(function(moved));
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}

GradcheckResult gradcheck(
    const std::function<std::vector<double>(const DoubleArrays&)>& forward,
    const std::function<DoubleArrays(const DoubleArrays&, const std::vector<double>&)>& backward,
    DoubleArrays inputs, double tolerance, double step) {
  std::vector<double> weights(forward(inputs).size());
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = result_weight(i);
  const DoubleArrays analytic = backward(inputs, weights);
  if (analytic.size() != inputs.size())
    throw Error("gradcheck", "backward must return a gradient for each input");
  return compare(analytic, tolerance, [&](size_t input, size_t i) {
    const double value = inputs[input][i];
    const auto at = [&](double offset) {
      inputs[input][i] = value + offset;
      const std::vector<double> y = forward(inputs);
      double total = 0;
      for (size_t j = 0; j < y.size(); ++j) total += y[j] * weights[j];
      return total;
    };
    const double difference = (at(step) - at(-step)) / (2 * step);
    inputs[input][i] = value;
    return difference;
  });
}

}  // namespace espalier
