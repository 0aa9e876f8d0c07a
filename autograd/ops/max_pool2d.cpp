#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/pool_windows.h"

namespace espalier {

Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options) {
  const backend::Windows windows =
      pool_windows("max_pool2d", x, options.kernel, options.stride, options.padding);
  const Shape& in = x.shape();
  const int64_t picture = in[1] * in[2] * in[3],
                pooled = windows.out_height * windows.out_width * in[3];
  const int64_t grain = 1 + elementwise_grain / (picture + 1);

  NewTensor y({in[0], windows.out_height, windows.out_width, in[3]});
  const auto& vector = backend::vector_kernels();
  parallel_for(in[0], grain, [&](int64_t begin, int64_t end) {
    vector.max_pool(windows, end - begin, x.data() + begin * picture, y.data() + begin * pooled);
  });

  // Where the maximum came from is found again in backward: the input is kept anyway, by the
  // operation that made it.
  const Tensor result = std::move(y);
  return record("max_pool2d", {&x}, result,
                {{"kernel", static_cast<double>(options.kernel)},
                 {"stride", static_cast<double>(windows.stride)},
                 {"padding", static_cast<double>(options.padding)}},
                [x = Saved(x), y = Saved(result), windows, picture, pooled, grain](
                    const Tensor& g, InputGradients& into) {
                  const Tensor &input = x.get("max_pool2d"), &output = y.get("max_pool2d");
                  NewTensor gx(input.shape());
                  const auto& kernels = backend::vector_kernels();
                  parallel_for(input.shape()[0], grain, [&](int64_t begin, int64_t end) {
                    kernels.max_pool_gradient(windows, end - begin, input.data() + begin * picture,
                                              output.data() + begin * pooled,
                                              g.data() + begin * pooled,
                                              gx.data() + begin * picture);
                  });
                  into.add(0, std::move(gx));
                });
}

}  // namespace espalier
