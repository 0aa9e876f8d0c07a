#pragma once

#include <string>
#include <vector>

#include "espalier/nn/layers/sequential.h"

namespace espalier::nn {

/// A network known by name, with the shape of the samples it is made for.
struct NamedModel {
  std::string name;
  std::string description;  ///< one line
  Shape sample;             ///< `H×W×C`
  Sequential (*make)();     ///< start values come from the current engine
};

/// All of them:
/// - `lenet300`: 784-300-100-10, fully connected (LeCun et al. 1998), layers fc1 fc2 fc3
/// - `lenet5`: Caffe's LeNet-5, 20C5-P2-50C5-P2-500-10, layers conv1 conv2 fc1 fc2
const std::vector<NamedModel>& named_models();

/// \throws Error listing the known names
const NamedModel& named_model(const std::string& name);

}  // namespace espalier::nn
