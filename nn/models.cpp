#include "espalier/nn/models.h"

#include "espalier/autograd/core/error.h"
#include "espalier/nn/models/build.h"

namespace espalier::nn {

const std::vector<NamedModel>& named_models() {
  static const std::vector<NamedModel> models = {
      {"lenet300",
       "784-300-100-10, fully connected, 266,610 parameters",
       {28, 28, 1},
       models::lenet300},
      {"lenet5", "20C5-P2-50C5-P2-500-10, 431,080 parameters", {28, 28, 1}, models::lenet5},
      {"vggsmall",
       "2×64C3-P2-2×128C3-P2-2×256C3-P2-256-10 with batch norm, 2,197,706 parameters",
       {32, 32, 3},
       models::vggsmall},
      {"resnet20",
       "3 × 3 residual blocks of 16, 32, 64 channels, 272,474 parameters",
       {32, 32, 3},
       [] { return models::resnet(3); }},
      {"resnet32",
       "3 × 5 residual blocks of 16, 32, 64 channels, 466,906 parameters",
       {32, 32, 3},
       [] { return models::resnet(5); }},
      {"resnet56",
       "3 × 9 residual blocks of 16, 32, 64 channels, 855,770 parameters",
       {32, 32, 3},
       [] { return models::resnet(9); }},
      {"mobilenet",
       "5 depthwise separable convolutions up to 256 channels, 136,778 parameters",
       {32, 32, 3},
       models::mobilenet},
  };
  return models;
}

const NamedModel& named_model(const std::string& name) {
  std::string known;
  for (const NamedModel& model : named_models()) {
    if (model.name == name) return model;
    known += (known.empty() ? "" : ", ") + model.name;
  }
  throw Error("model", "there is no model named '" + name + "'; known: " + known);
}

}  // namespace espalier::nn
