#include "espalier/compress/structure/batch_norm_folding.h"

#include <cmath>
#include <string>

#include "espalier/autograd/core/error.h"

namespace espalier::compress {

ChannelAffine affine_of(const NetworkOperation& batch_norm) {
  if (batch_norm.kind != "batch_norm")
    throw Error("batch_norm", "cannot be folded: " + batch_norm.describe() + " is none");
  const Tensor scale = batch_norm.weight().effective_value();
  const Tensor shift = batch_norm.parameter("bias", 2).effective_value();
  const Tensor& mean = batch_norm.buffer("running_mean").value;
  const Tensor& variance = batch_norm.buffer("running_var").value;
  const double epsilon = batch_norm.attribute("epsilon");
  ChannelAffine affine;
  for (int64_t c = 0; c < scale.size(); ++c) {
    const double factor = double{scale[c]} / std::sqrt(double{variance[c]} + epsilon);
    affine.factors.push_back(static_cast<float>(factor));
    affine.shifts.push_back(static_cast<float>(double{shift[c]} - double{mean[c]} * factor));
  }
  return affine;
}

std::vector<BatchNormFold> batch_norm_folds(const Graph& graph) {
  std::vector<BatchNormFold> folds;
  for (int number = 0; number < static_cast<int>(graph.operations().size()); ++number) {
    const NetworkOperation& operation = graph.operation(number);
    if (operation.kind != "batch_norm" || operation.inputs[0].grid || operation.input() < 0)
      continue;
    const NetworkValue& between = graph.value(operation.input());
    if (between.producer < 0 || between.grid || between.consumers.size() != 1 ||
        operation.input() == graph.result())
      continue;
    const std::string& kind = graph.operation(between.producer).kind;
    if (kind != "conv2d" && kind != "linear") continue;
    folds.push_back({between.producer, number, affine_of(operation)});
  }
  return folds;
}

}  // namespace espalier::compress
