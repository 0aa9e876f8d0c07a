#pragma once

#include <functional>
#include <string>
#include <vector>

#include "espalier/autograd/tensor.h"

namespace espalier {

struct GradcheckResult {
  bool passed = false;
  double worst = 0;     ///< largest |analytic − numeric| / max(1, |analytic|, |numeric|)
  std::string message;  ///< where the worst one is, or why the check proves nothing
};

/// Compares the gradients that backward gives for `inputs` with central differences of `function`.
/// The result may have any shape; it is multiplied by fixed random weights and summed. Float
/// arithmetic limits what can be told apart: expect 1e-3 for smooth functions of moderate values.
/// A check in which every gradient is zero fails, since it proves nothing.
/// \param function must give equal results for equal inputs
/// \param step half of the distance between the two points of a difference
GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                          std::vector<Tensor> inputs, double tolerance = 2e-3, double step = 1e-2);

/// The same in double precision, for a kernel and its backward on plain arrays, where 1e-6 can be
/// told apart. `backward(inputs, g)` returns a gradient for each input, given that of the result.
using DoubleArrays = std::vector<std::vector<double>>;
GradcheckResult gradcheck(
    const std::function<std::vector<double>(const DoubleArrays&)>& forward,
    const std::function<DoubleArrays(const DoubleArrays&, const std::vector<double>&)>& backward,
    DoubleArrays inputs, double tolerance = 1e-6, double step = 1e-5);

}  // namespace espalier
