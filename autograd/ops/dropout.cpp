#include <cmath>

#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {
namespace {

/// The elements of x that the pattern keeps, scaled. Parts begin at whole blocks of random words.
Tensor keep_some(const Tensor& x, const backend::DropoutPattern& pattern) {
  constexpr int64_t block = 64;
  NewTensor y(x.shape());
  const backend::ActivationKernels& kernels = backend::activation_kernels();
  parallel_for((x.size() + block - 1) / block, elementwise_grain / block,
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * block, last = std::min(end * block, x.size());
                 kernels.dropout(last - first, first, pattern, x.data() + first, y.data() + first);
               });
  return y;
}

}  // namespace

Tensor dropout(const Tensor& x, double p, const RandomStream& random) {
  if (!(p >= 0 && p < 1)) {
    throw Error("dropout",
                "the probability p must be at least 0 and below 1, not " + std::to_string(p));
  }
  // A uniform number has 24 bits: it is at least p when its integer is at least p·2²⁴.
  const backend::DropoutPattern pattern{{random.key()[0], random.key()[1]},
                                        {random.stream()[0], random.stream()[1]},
                                        static_cast<int32_t>(std::ceil(p * 0x1p24)),
                                        static_cast<float>(1 / (1 - p))};
  // Linear in x: the gradient goes through the same elements. The pattern is drawn again in
  // backward, which is cheaper than to keep it.
  return record(
      "dropout", {&x}, keep_some(x, pattern), {{"p", p}},
      [pattern](const Tensor& g, InputGradients& into) { into.add(0, keep_some(g, pattern)); });
}

}  // namespace espalier
