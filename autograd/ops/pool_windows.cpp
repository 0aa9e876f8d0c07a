#include "espalier/autograd/ops/pool_windows.h"

#include <algorithm>

#include "espalier/autograd/ops/checks.h"

namespace espalier {

backend::Windows pool_windows(const char* operation, const Tensor& x, int64_t kernel,
                              int64_t stride, int64_t padding) {
  require_axes(operation, "the input", x, 4, "batch×height×width×channels");
  if (stride == 0) stride = kernel;
  if (kernel < 1 || stride < 1 || padding < 0 || 2 * padding > kernel) {
    throw Error(
        operation,
        "kernel and stride must be at least 1 and padding between 0 and half of the kernel");
  }
  const Shape& in = x.shape();
  if (std::min(in[1], in[2]) + 2 * padding < kernel) {
    throw Error(operation, "a window of " + std::to_string(kernel) + " does not fit an input of " +
                               std::to_string(in[1]) + "×" + std::to_string(in[2]));
  }
  const auto extent = [&](int64_t input) { return (input + 2 * padding - kernel) / stride + 1; };
  return {in[1], in[2], in[3], kernel, kernel, stride, padding, 1, extent(in[1]), extent(in[2])};
}

}  // namespace espalier
