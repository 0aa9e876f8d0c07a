#include "espalier/autograd/backend/winograd/conv2d.h"

#include <algorithm>

#include "espalier/autograd/backend/scratch.h"
#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::winograd {
namespace {

constexpr int64_t points = 36;
constexpr int64_t block_floats = 96 * 1024;  // most of a second-level cache
constexpr int64_t fewest_tiles = 24;         // or the weights are read too often

/// Distance between planes, for `floats` in each: an odd number of cache lines, so that the 36
/// places of a tile do not fall on the same lines of the cache.
int64_t plane_of(int64_t floats) {
  constexpr int64_t line = 16;
  return ((floats + line - 1) / line | 1) * line;
}

/// A convolution from `inputs` to `outputs` channels, and how it is cut into blocks.
struct Shape {
  Shape(const WinogradKernels& kernels, const WinogradTiles& cut, int64_t pictures,
        int64_t input_channels, int64_t output_channels)
      : tiles(cut), inputs(input_channels), outputs(output_channels) {
    const auto whole = [&](int64_t n) {
      return (n + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    };
    input_width = whole(inputs);
    output_width = whole(outputs);
    all = pictures * tiles.rows() * tiles.columns();
    const int64_t fitting = block_floats / (points * (input_width + output_width));
    // A multiple of what the products compute at once, and no more than there is.
    block = std::min(std::max(fitting, fewest_tiles) / 12 * 12, all);
    blocks = (all + block - 1) / block;
    input_plane = plane_of(block * input_width);
    output_plane = plane_of(block * output_width);
    weight_plane = plane_of(inputs * output_width);
  }

  WinogradTiles tiles;
  int64_t inputs, outputs;
  int64_t input_width, output_width;  // channels as whole vectors
  int64_t all, block, blocks;         // tiles in all and of a block; blocks
  int64_t input_plane, output_plane, weight_plane;
};

/// For weights 9×inputs×outputs.
void convolve(const WinogradKernels& kernels, const Shape& s, bool flip, const float* x,
              const float* w, const float* bias, float* y) {
  const Buffer u = scratch(points * s.weight_plane);
  parallel_for(s.inputs, 1 + 2'000 / s.outputs, [&](int64_t begin, int64_t end) {
    kernels.weights(flip, s.inputs, s.outputs, begin, end, w, s.weight_plane, u.as());
  });
  parallel_for(s.blocks, 1, [&](int64_t begin, int64_t end) {
    const Buffer v = scratch(points * s.input_plane), m = scratch(points * s.output_plane);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * s.block, count = std::min(s.block, s.all - first);
      kernels.input(s.tiles, s.inputs, first, count, x, s.input_plane, v.as());
      for (int64_t p = 0; p < points; ++p) {
        kernels.multiply(false, false, count, s.output_width, s.inputs, v.as() + p * s.input_plane,
                         s.input_width, u.as() + p * s.weight_plane, m.as() + p * s.output_plane);
      }
      kernels.output(s.tiles, s.outputs, first, count, m.as(), s.output_plane, bias, y);
    }
  });
}

}  // namespace

bool supports(const Conv2d& p) {
  return p.kernel_height == 3 && p.kernel_width == 3 && p.stride == 1 && p.dilation == 1 &&
         p.groups == 1 && p.padding <= 2;
}

void conv2d_forward(const WinogradKernels& kernels, const Conv2d& p, const float* x, const float* w,
                    const float* b, float* y) {
  const Shape shape(kernels, {p.height, p.width, p.out_height(), p.out_width(), p.padding}, p.batch,
                    p.channels, p.out_channels);
  const Buffer turned = scratch(9 * p.channels * p.out_channels);
  vector_kernels().transpose_add(p.out_channels, 9 * p.channels, w, nullptr, turned.as());
  convolve(kernels, shape, false, x, turned.as(), b, y);
}

void conv2d_input_gradient(const WinogradKernels& kernels, const Conv2d& p, const float* gy,
                           const float* w, float* gx) {
  // A convolution of the result's gradient with the weights turned by half a turn.
  const Shape shape(kernels, {p.out_height(), p.out_width(), p.height, p.width, 2 - p.padding},
                    p.batch, p.out_channels, p.channels);
  const int64_t weights = 9 * p.channels;
  const Buffer taps_first = scratch(p.out_channels * weights);
  for (int64_t k = 0; k < p.out_channels; ++k) {
    for (int64_t tap = 0; tap < 9; ++tap) {
      std::copy_n(w + k * weights + tap * p.channels, p.channels,
                  taps_first.as() + (tap * p.out_channels + k) * p.channels);
    }
  }
  convolve(kernels, shape, true, gy, taps_first.as(), nullptr, gx);
}

void conv2d_weight_gradient(const WinogradKernels& kernels, const Conv2d& p, const float* gy,
                            const float* x, float* gw) {
  const Shape s(kernels, {p.height, p.width, p.out_height(), p.out_width(), p.padding}, p.batch,
                p.channels, p.out_channels);
  // Each part sums its blocks' share; the shares are added in order, whatever finished first.
  const int parts = parallel_part_count(s.blocks, 1);
  const Buffer shares = scratch(parts * points * s.weight_plane);
  parallel_parts(s.blocks, 1, [&](int64_t begin, int64_t end, int part) {
    const Buffer v = scratch(points * s.input_plane), m = scratch(points * s.output_plane);
    float* share = shares.as() + part * points * s.weight_plane;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * s.block, count = std::min(s.block, s.all - first);
      kernels.input(s.tiles, s.inputs, first, count, x, s.input_plane, v.as());
      kernels.output_gradient(s.tiles, s.outputs, first, count, gy, s.output_plane, m.as());
      for (int64_t q = 0; q < points; ++q) {
        kernels.multiply(true, i > begin, s.inputs, s.output_width, count,
                         v.as() + q * s.input_plane, s.input_width, m.as() + q * s.output_plane,
                         share + q * s.weight_plane);
      }
    }
  });
  const int64_t grain = 1 + 2'000 / s.outputs;
  const Buffer taps_first = scratch(9 * p.channels * p.out_channels);
  parallel_for(s.inputs, grain, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * s.output_width, values = (end - begin) * s.output_width;
    for (int64_t q = 0; q < points; ++q) {
      float* sum = shares.as() + q * s.weight_plane + at;
      for (int part = 1; part < parts; ++part)
        vector_kernels().add(values, sum, sum + part * points * s.weight_plane, sum);
    }
    kernels.weight_gradient(s.inputs, s.outputs, begin, end, shares.as(), s.weight_plane,
                            taps_first.as());
  });
  vector_kernels().transpose_add(9 * p.channels, p.out_channels, taps_first.as(), nullptr, gw);
}

}  // namespace espalier::backend::winograd
