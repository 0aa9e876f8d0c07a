#pragma once

#include <functional>
#include <string>
#include <vector>

#include "espalier/autograd/gradcheck.h"
#include "espalier/autograd/tensor.h"

namespace espalier::test {

/// One operation on one set of shapes, together with its definition in double precision.
struct OpCase {
  std::string name;
  std::vector<Tensor> inputs;
  /// The operation as users call it.
  std::function<Tensor(const std::vector<Tensor>&)> operation;
  /// Its definition from `reference/`.
  std::function<std::vector<double>(const DoubleArrays&)> forward;
  std::function<DoubleArrays(const DoubleArrays&, const std::vector<double>&)> backward;
  /// For straight-through gradients: the function whose true gradient `backward` is. Empty:
  /// `forward`.
  std::function<std::vector<double>(const DoubleArrays&)> surrogate = {};
};

std::vector<OpCase> op_cases();
/// Those of batch normalisation, average pooling and joining; part of `op_cases()`.
std::vector<OpCase> convnet_op_cases();

/// The part of them that is in op_cases_elementwise.cpp.
void add_activation_cases(std::vector<OpCase>& cases);

}  // namespace espalier::test
