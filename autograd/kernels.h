#pragma once

#include <string>
#include <vector>

namespace espalier {

/// An operation that several kernels can compute.
struct OperationKernels {
  std::string operation;             ///< as `KernelPlan::choose` takes it
  std::vector<std::string> kernels;  ///< their names
};

/// All of them. Which ones run here depends on the machine and on the sizes of the problem.
std::vector<OperationKernels> known_kernels();

}  // namespace espalier
