#include "espalier/autograd/backend/im2col/conv2d.h"

#include <algorithm>

#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::im2col {
namespace {

constexpr int64_t column_bytes = 512 * 1024;  // half of a second-level cache

struct Geometry {
  explicit Geometry(const Conv2d& p)
      : windows{p.height, p.width,   p.channels, p.kernel_height, p.kernel_width,
                p.stride, p.padding, p.dilation, p.out_height(),  p.out_width()},
        pixels(p.out_height() * p.out_width()),
        window(p.window()),
        picture(p.height * p.width * p.channels) {}

  Windows windows;
  int64_t pixels;   // output pixels of a picture
  int64_t window;   // values of a window
  int64_t picture;  // values of an input picture

  /// Whether windows are laid out as columns and not as rows of their matrix, see
  /// `VectorKernels::copy_window_columns`.
  bool as_columns() const { return windows.channels == 1 && windows.stride == 1; }

  /// The windows of some pictures, in the layout above.
  void copy(const VectorKernels& vector, int64_t pictures, const float* x, float* to) const {
    (as_columns() ? vector.copy_window_columns : vector.copy_windows)(windows, pictures, x, to);
  }

  /// Pictures whose windows fit the cache together.
  int64_t chunk() const {
    return std::max<int64_t>(
        1, column_bytes / (pixels * window * static_cast<int64_t>(sizeof(float))));
  }
};

Buffer scratch(int64_t values) {
  return Engine::current().buffers().take(static_cast<size_t>(values) * sizeof(float));
}

}  // namespace

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels;
  const VectorKernels& vector = vector_kernels();
  parallel_for(problem.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    const Buffer channels_first = scratch(chunk * g.pixels * out);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      g.copy(vector, rows / g.pixels, x + n * g.picture, columns.as());
      // W·windowsᵀ and not windows·Wᵀ: pixels are many and fill vector lanes, channels may be few.
      matmul(Matmul::packed(false, !g.as_columns(), out, rows, g.window), w, columns.as(),
             channels_first.as());
      vector.transpose_add(out, rows, channels_first.as(), b, y + n * g.pixels * out);
    }
  });
}

void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels;
  const VectorKernels& vector = vector_kernels();
  parallel_for(problem.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      matmul(Matmul::packed(false, false, rows, g.window, out), gy + n * g.pixels * out, w,
             columns.as());
      vector.add_windows(g.windows, rows / g.pixels, columns.as(), gx + n * g.picture);
    }
  });
}

void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels, weights = out * g.window;
  const VectorKernels& vector = vector_kernels();
  // Each part sums its pictures' share; the shares are added in order, whatever finished first.
  const int parts = parallel_part_count(problem.batch, 1);
  const Buffer shares = scratch((parts - 1) * weights);
  parallel_parts(problem.batch, 1, [&](int64_t begin, int64_t end, int part) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    float* share = part == 0 ? gw : shares.as() + (part - 1) * weights;
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      g.copy(vector, rows / g.pixels, x + n * g.picture, columns.as());
      matmul(Matmul::packed(true, g.as_columns(), out, g.window, rows, n == begin ? 0.0f : 1.0f),
             gy + n * g.pixels * out, columns.as(), share);
    }
  });
  for (int part = 1; part < parts; ++part) {
    vector.add(weights, gw, shares.as() + (part - 1) * weights, gw);
  }
}

}  // namespace espalier::backend::im2col
