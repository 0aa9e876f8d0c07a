#include "espalier/autograd/backend/channel_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/pool_windows.h"

namespace espalier {
namespace {

/// The mean of each window, as a tensor of `shape`.
Tensor pooled(const char* operation, const Tensor& x, const backend::Windows& windows,
              const Shape& shape, std::initializer_list<Attribute> attributes) {
  const int64_t picture = windows.height * windows.width * windows.channels;
  const int64_t result = windows.out_height * windows.out_width * windows.channels;
  const int64_t grain = 1 + elementwise_grain / (picture + 1);
  NewTensor y(shape);
  const auto& kernel = backend::channel_kernels();
  parallel_for(shape[0], grain, [&](int64_t begin, int64_t end) {
    kernel.average_pool(windows, end - begin, x.data() + begin * picture,
                        y.data() + begin * result);
  });
  return record(
      operation, {&x}, std::move(y), attributes,
      [in = x.shape(), windows, picture, result, grain](const Tensor& g, InputGradients& into) {
        NewTensor gx(in);
        const auto& kernels = backend::channel_kernels();
        parallel_for(in[0], grain, [&](int64_t begin, int64_t end) {
          kernels.average_pool_gradient(windows, end - begin, g.data() + begin * result,
                                        gx.data() + begin * picture);
        });
        into.add(0, std::move(gx));
      });
}

}  // namespace

Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options) {
  const backend::Windows windows =
      pool_windows("avg_pool2d", x, options.kernel, options.stride, options.padding);
  return pooled("avg_pool2d", x, windows,
                {x.shape()[0], windows.out_height, windows.out_width, windows.channels},
                {{"kernel", static_cast<double>(options.kernel)},
                 {"stride", static_cast<double>(windows.stride)},
                 {"padding", static_cast<double>(options.padding)}});
}

Tensor global_avg_pool2d(const Tensor& x) {
  require_axes("global_avg_pool2d", "the input", x, 4, "batch×height×width×channels");
  const Shape& in = x.shape();
  if (in[1] * in[2] == 0) {
    throw Error("global_avg_pool2d",
                "there is no pixel to average in an input of shape " + in.to_string());
  }
  return pooled("global_avg_pool2d", x, {in[1], in[2], in[3], in[1], in[2], 1, 0, 1, 1, 1},
                {in[0], in[3]}, {});
}

}  // namespace espalier
