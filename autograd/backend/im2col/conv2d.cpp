#include "espalier/autograd/backend/im2col/conv2d.h"

#include <algorithm>

#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/scratch.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::im2col {
namespace {

constexpr int64_t column_bytes = 512 * 1024;  // half of a second-level cache

/// The sizes of one group's convolution, which is one of `channels/groups` channels.
struct Geometry {
  explicit Geometry(const Conv2d& p)
      : windows{p.height, p.width,   p.group_channels(), p.kernel_height, p.kernel_width,
                p.stride, p.padding, p.dilation,         p.out_height(),  p.out_width()},
        channels(p.channels),
        groups(p.groups),
        pixels(p.out_height() * p.out_width()),
        window(p.window()),
        out(p.group_out_channels()) {}

  Windows windows;
  int64_t channels;  // of a picture
  int64_t groups;
  int64_t pixels;  // output pixels of a picture
  int64_t window;  // values of a window
  int64_t out;     // output channels of a group

  /// Values of an input picture.
  int64_t picture() const { return windows.height * windows.width * channels; }

  /// Whether windows are laid out as columns and not as rows of their matrix, see
  /// `VectorKernels::copy_window_columns`.
  bool as_columns() const { return windows.channels == 1 && windows.stride == 1; }

  /// Pictures whose windows fit the cache together.
  int64_t chunk() const {
    return std::max<int64_t>(
        1, column_bytes / (pixels * window * static_cast<int64_t>(sizeof(float))));
  }

  /// Working memory for the channels that one group has of some pictures; none if there is one
  /// group.
  Buffer group_scratch(int64_t pictures) const {
    return groups == 1 ? Buffer() : scratch(pictures * picture() / groups);
  }

  /// The windows of one group of some pictures, in the layout above. `own` is `group_scratch`.
  void copy(const VectorKernels& vector, int64_t group, int64_t pictures, const float* x,
            const Buffer& own, float* to) const {
    if (groups > 1) {
      const float* from = x + group * windows.channels;
      float* at = own.as();
      for (int64_t i = 0; i < pictures * windows.height * windows.width; ++i, from += channels) {
        at = std::copy_n(from, windows.channels, at);
      }
      x = own.as();
    }
    (as_columns() ? vector.copy_window_columns : vector.copy_windows)(windows, pictures, x, to);
  }

  /// The transpose of `copy`, for windows as rows.
  void add(const VectorKernels& vector, int64_t group, int64_t pictures, const float* columns,
           const Buffer& own, float* x) const {
    if (groups == 1) return vector.add_windows(windows, pictures, columns, x);
    vector.add_windows(windows, pictures, columns, own.as());
    const float* from = own.as();
    float* to = x + group * windows.channels;
    for (int64_t i = 0; i < pictures * windows.height * windows.width; ++i, to += channels) {
      std::copy_n(from, windows.channels, to);
      from += windows.channels;
    }
  }
};

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
    const Buffer own = g.group_scratch(chunk);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t pictures = std::min(chunk, end - n), rows = pictures * g.pixels;
      for (int64_t group = 0; group < g.groups; ++group) {
        g.copy(vector, group, pictures, x + n * g.picture(), own, columns.as());
        // W·windowsᵀ and not windows·Wᵀ: pixels are many and fill vector lanes, channels may be
        // few.
        matmul(Matmul::packed(false, !g.as_columns(), g.out, rows, g.window),
               w + group * g.out * g.window, columns.as(),
               channels_first.as() + group * g.out * rows);
      }
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
    const Buffer own = g.group_scratch(chunk);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t pictures = std::min(chunk, end - n), rows = pictures * g.pixels;
      for (int64_t group = 0; group < g.groups; ++group) {
        Matmul product = Matmul::packed(false, false, rows, g.window, g.out);
        product.lda = out;
        matmul(product, gy + n * g.pixels * out + group * g.out, w + group * g.out * g.window,
               columns.as());
        g.add(vector, group, pictures, columns.as(), own, gx + n * g.picture());
      }
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
    const Buffer own = g.group_scratch(chunk);
    float* share = part == 0 ? gw : shares.as() + (part - 1) * weights;
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t pictures = std::min(chunk, end - n), rows = pictures * g.pixels;
      for (int64_t group = 0; group < g.groups; ++group) {
        g.copy(vector, group, pictures, x + n * g.picture(), own, columns.as());
        Matmul product =
            Matmul::packed(true, g.as_columns(), g.out, g.window, rows, n == begin ? 0.0f : 1.0f);
        product.lda = out;
        matmul(product, gy + n * g.pixels * out + group * g.out, columns.as(),
               share + group * g.out * g.window);
      }
    }
  });
  for (int part = 1; part < parts; ++part) {
    vector.add(weights, gw, shares.as() + (part - 1) * weights, gw);
  }
}

}  // namespace espalier::backend::im2col
