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

/// All of them; what they are made of is in `nn/models/`. For 28×28 pictures of one channel:
/// - `lenet300`: layers fc1 fc2 fc3
/// - `lenet5`: conv1 conv2 fc1 fc2
///
/// For 32×32 pictures of three channels, all with ten classes:
/// - `vggsmall`: conv1 bn1 … conv6 bn6 fc1 fc2
/// - `resnet20`, `resnet32`, `resnet56`: conv1 bn1, block1 … block9 (15, 27) with conv1 bn1 conv2
/// bn2
///   and, where the width changes, shortcut.conv shortcut.bn, then fc
/// - `mobilenet`: conv1 bn1, block1 … block5 with depthwise bn1 pointwise bn2, then fc
const std::vector<NamedModel>& named_models();

/// \throws Error listing the known names
const NamedModel& named_model(const std::string& name);

}  // namespace espalier::nn
