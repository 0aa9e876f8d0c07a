#include "espalier/autograd/backend/im2col/conv2d.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::im2col {
namespace {

constexpr int64_t column_bytes = 512 * 1024;  // half of a second-level cache

/// Where windows lie in a picture. `window_row` is one row of a kernel: with dilation 1 its pixels
/// are neighbours in memory and are copied at once.
struct Geometry {
  explicit Geometry(const Conv2d& p)
      : problem(p),
        pixels(p.out_height() * p.out_width()),
        window(p.window()),
        picture(p.height * p.width * p.channels) {}

  const Conv2d& problem;
  int64_t pixels;   // output pixels of a picture
  int64_t window;   // values of a window
  int64_t picture;  // values of an input picture

  /// Pictures whose windows fit the cache together.
  int64_t chunk() const {
    return std::max<int64_t>(1, column_bytes / (pixels * window * static_cast<int64_t>(sizeof(float))));
  }

  /// Calls `run(picture offset, column offset, values)` for each stretch of neighbours that windows
  /// and picture share, and `outside(column offset, values)` for what lies beyond the border.
  template <class Inside, class Outside>
  void for_each_stretch(Inside&& inside, Outside&& outside) const {
    const Conv2d& p = problem;
    const int64_t c = p.channels;
    int64_t column = 0;
    for (int64_t oy = 0; oy < p.out_height(); ++oy) {
      for (int64_t ox = 0; ox < p.out_width(); ++ox) {
        for (int64_t i = 0; i < p.kernel_height; ++i, column += p.kernel_width * c) {
          const int64_t row = oy * p.stride - p.padding + i * p.dilation;
          const int64_t first = ox * p.stride - p.padding;
          if (row < 0 || row >= p.height) {
            outside(column, p.kernel_width * c);
          } else if (p.dilation == 1) {
            const int64_t skip = std::clamp<int64_t>(-first, 0, p.kernel_width);
            const int64_t stop = std::clamp<int64_t>(p.width - first, skip, p.kernel_width);
            if (skip > 0) outside(column, skip * c);
            if (stop > skip) inside((row * p.width + first + skip) * c, column + skip * c, (stop - skip) * c);
            if (stop < p.kernel_width) outside(column + stop * c, (p.kernel_width - stop) * c);
          } else {
            for (int64_t j = 0; j < p.kernel_width; ++j) {
              const int64_t x = first + j * p.dilation;
              if (x < 0 || x >= p.width) {
                outside(column + j * c, c);
              } else {
                inside((row * p.width + x) * c, column + j * c, c);
              }
            }
          }
        }
      }
    }
  }

  /// Pictures → windows, `pixels × window` per picture.
  void copy_windows(const float* x, int64_t pictures, float* columns) const {
    for (int64_t n = 0; n < pictures; ++n, x += picture, columns += pixels * window) {
      for_each_stretch(
          [&](int64_t from, int64_t to, int64_t values) {
            // Short and of few different lengths: a loop beats the call of memcpy.
            for (int64_t v = 0; v < values; ++v) columns[to + v] = x[from + v];
          },
          [&](int64_t to, int64_t values) { std::fill_n(columns + to, values, 0.0f); });
    }
  }

  /// Adds windows back to where they came from; `x` starts at zero.
  void add_windows(const float* columns, int64_t pictures, float* x) const {
    std::fill_n(x, pictures * picture, 0.0f);
    for (int64_t n = 0; n < pictures; ++n, x += picture, columns += pixels * window) {
      for_each_stretch(
          [&](int64_t to, int64_t from, int64_t values) {
            for (int64_t v = 0; v < values; ++v) x[to + v] += columns[from + v];
          },
          [](int64_t, int64_t) {});
    }
  }
};

Buffer scratch(int64_t values) {
  return Engine::current().buffers().take(static_cast<size_t>(values) * sizeof(float));
}

}  // namespace

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b, float* y) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels;
  const VectorKernels& vector = vector_kernels();
  parallel_for(problem.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    const Buffer channels_first = scratch(chunk * g.pixels * out);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      g.copy_windows(x + n * g.picture, rows / g.pixels, columns.as());
      // W·columnsᵀ and not columns·Wᵀ: pixels are many and fill vector lanes, channels may be few.
      matmul(Matmul::packed(false, true, out, rows, g.window), w, columns.as(), channels_first.as());
      vector.transpose_add(out, rows, channels_first.as(), b, y + n * g.pixels * out);
    }
  });
}

void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels;
  parallel_for(problem.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      matmul(Matmul::packed(false, false, rows, g.window, out), gy + n * g.pixels * out, w, columns.as());
      g.add_windows(columns.as(), rows / g.pixels, gx + n * g.picture);
    }
  });
}

void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  const Geometry g(problem);
  const int64_t out = problem.out_channels, weights = out * g.window;
  // Each part sums its pictures' share; the shares are added in order, whatever finished first.
  const int parts = parallel_part_count(problem.batch, 1);
  const Buffer shares = scratch((parts - 1) * weights);
  parallel_parts(problem.batch, 1, [&](int64_t begin, int64_t end, int part) {
    const int64_t chunk = std::min(g.chunk(), end - begin);
    const Buffer columns = scratch(chunk * g.pixels * g.window);
    float* share = part == 0 ? gw : shares.as() + (part - 1) * weights;
    for (int64_t n = begin; n < end; n += chunk) {
      const int64_t rows = std::min(chunk, end - n) * g.pixels;
      g.copy_windows(x + n * g.picture, rows / g.pixels, columns.as());
      matmul(Matmul::packed(true, false, out, g.window, rows, n == begin ? 0.0f : 1.0f),
             gy + n * g.pixels * out, columns.as(), share);
    }
  });
  for (int part = 1; part < parts; ++part) {
    vector_kernels().add(weights, gw, shares.as() + (part - 1) * weights, gw);
  }
}

}  // namespace espalier::backend::im2col
