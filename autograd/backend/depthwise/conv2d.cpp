#include "espalier/autograd/backend/depthwise/conv2d.h"

#include <algorithm>

#include "espalier/autograd/backend/scratch.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::depthwise {
namespace {

Windows windows(const Conv2d& p) {
  return {p.height, p.width,   p.channels, p.kernel_height, p.kernel_width,
          p.stride, p.padding, p.dilation, p.out_height(),  p.out_width()};
}

/// The weights with channels last, as the kernels read them.
Buffer channels_last(const Conv2d& p, const float* w) {
  Buffer turned = scratch(p.channels * p.window());
  vector_kernels().transpose_add(p.channels, p.window(), w, nullptr, turned.as());
  return turned;
}

/// Rows that a thread should have at least: some ten microseconds of work.
int64_t grain(const Conv2d& p) {
  return 1 + 200'000 / (1 + p.out_width() * p.channels * p.window());
}

}  // namespace

bool supports(const Conv2d& problem) {
  return problem.channels == problem.groups && problem.out_channels == problem.groups;
}

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y) {
  const Windows s = windows(problem);
  const VectorKernels& vector = vector_kernels();
  const Buffer turned = channels_last(problem, w);
  parallel_for(problem.batch * s.out_height, grain(problem), [&](int64_t begin, int64_t end) {
    vector.depthwise(s, begin, end, x, turned.as(), b, y);
  });
}

void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  Windows s = windows(problem);
  const VectorKernels& vector = vector_kernels();
  const Buffer turned = channels_last(problem, w);
  const int64_t rows = problem.batch * s.height, channels = problem.channels;
  if (s.stride != 1 || s.kernel_height != s.kernel_width) {
    parallel_for(rows, grain(problem), [&](int64_t begin, int64_t end) {
      vector.depthwise_input_gradient(s, begin, end, gy, turned.as(), gx);
    });
    return;
  }
  // Without strides it is a convolution of gy with the mirrored kernel, which keeps its sums in
  // registers. The padding may become negative: the picture's border then meets no kernel.
  for (int64_t i = 0, j = problem.window() - 1; i < j; ++i, --j) {
    std::swap_ranges(turned.as() + i * channels, turned.as() + (i + 1) * channels,
                     turned.as() + j * channels);
  }
  std::swap(s.height, s.out_height);
  std::swap(s.width, s.out_width);
  s.padding = s.dilation * (s.kernel_width - 1) - s.padding;
  parallel_for(rows, grain(problem), [&](int64_t begin, int64_t end) {
    vector.depthwise(s, begin, end, gy, turned.as(), nullptr, gx);
  });
}

void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  const Windows s = windows(problem);
  const VectorKernels& vector = vector_kernels();
  const int64_t rows = problem.batch * s.out_height, weights = problem.channels * problem.window();
  // Each part sums its rows' share; the shares are added in order, whatever finished first.
  const int parts = parallel_part_count(rows, grain(problem));
  const Buffer shares = scratch(parts * weights);
  parallel_parts(rows, grain(problem), [&](int64_t begin, int64_t end, int part) {
    vector.depthwise_weight_gradient(s, begin, end, gy, x, shares.as() + part * weights);
  });
  for (int part = 1; part < parts; ++part) {
    vector.add(weights, shares.as(), shares.as() + part * weights, shares.as());
  }
  vector.transpose_add(problem.window(), problem.channels, shares.as(), nullptr, gw);
}

}  // namespace espalier::backend::depthwise
