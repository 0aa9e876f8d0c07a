#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/fill_parts.h"

namespace espalier {

Tensor mse_loss(const Tensor& prediction, const Tensor& target) {
  require_same_shape("mse_loss", prediction, target);
  if (prediction.size() == 0) throw Error("mse_loss", "the tensors have no elements");
  const double count = static_cast<double>(prediction.size());
  const double total = backend::activation_kernels().squared_distance(
      prediction.size(), prediction.data(), target.data());
  return record(
      "mse_loss", {&prediction, &target}, Tensor::scalar(static_cast<float>(total / count)), {},
      [a = Saved(prediction), b = Saved(target), count](const Tensor& g, InputGradients& into) {
        const backend::ActivationKernels& kernels = backend::activation_kernels();
        const Tensor& at = a.get("mse_loss");
        const float *left = at.data(), *right = b.get("mse_loss").data();
        for (int input : {0, 1}) {
          if (!into.needed(input)) continue;
          const double sign = input == 0 ? 2.0 : -2.0;
          const float factor = static_cast<float>(sign * double{g.item()} / count);
          into.add(input, fill_parts(at.shape(), [&](int64_t i, int64_t n, float* out) {
                     kernels.scaled_difference(n, factor, left + i, right + i, out);
                   }));
        }
      });
}

}  // namespace espalier
