#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/row_sums.h"

namespace espalier {

using backend::matmul, backend::Matmul;

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require_axes("linear", "the weight", weight, 2, "outputs×inputs");
  require_axes("linear", "the input", x, 2, "batch×inputs");
  const int64_t batch = x.shape()[0], inputs = weight.shape()[1], outputs = weight.shape()[0];
  if (x.shape()[1] != inputs) {
    throw Error("linear", "the input has " + std::to_string(x.shape()[1]) +
                              " values a sample but the weight expects " + std::to_string(inputs));
  }
  require_bias("linear", bias, outputs);

  NewTensor y({batch, outputs});
  {
    const Profile::Part part(Work::forward);
    matmul(Matmul::packed(false, true, batch, outputs, inputs), x.data(), weight.data(),
           y.data());  // x·Wᵀ
  }
  if (bias.defined()) {
    const auto& vector = backend::vector_kernels();
    parallel_for(batch, 1 + elementwise_grain / (outputs + 1), [&](int64_t begin, int64_t end) {
      vector.add_to_rows(end - begin, outputs, bias.data(), y.data() + begin * outputs);
    });
  }
  return record("linear", {&x, &weight, &bias}, std::move(y), {},
                [x = Saved(x), weight = Saved(weight), batch, inputs, outputs](
                    const Tensor& g, InputGradients& into) {
                  if (into.needed(0)) {  // g·W
                    const Profile::Part part(Work::input_gradient);
                    NewTensor gx({batch, inputs});
                    matmul(Matmul::packed(false, false, batch, inputs, outputs), g.data(),
                           weight.get("linear").data(), gx.data());
                    into.add(0, std::move(gx));
                  }
                  if (into.needed(1)) {  // gᵀ·x
                    const Profile::Part part(Work::weight_gradient);
                    NewTensor gw({outputs, inputs});
                    matmul(Matmul::packed(true, false, outputs, inputs, batch), g.data(),
                           x.get("linear").data(), gw.data());
                    into.add(1, std::move(gw));
                  }
                  if (into.needed(2)) into.add(2, sum_to_last_axis(g));
                });
}

}  // namespace espalier
