#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/fill_parts.h"

namespace espalier {
namespace {

using backend::vector_kernels;

/// In steps of a grid: a value that a grid was made for, such as the largest of a tensor, is often
/// a rounding error outside of it and must not lose its gradient.
constexpr float rounding_margin = 1e-4f;

/// What each group of x's elements, one behind the other, is quantized with.
struct Groups {
  std::vector<QuantizationGrid> grids;
  int64_t elements;  // of a group

  /// A new tensor like `like`, filled by `kernel(grid, first element, elements, out)`.
  template <class Kernel>
  Tensor fill(const Tensor& like, Kernel&& kernel) const {
    if (grids.size() == 1) {
      return fill_parts(like.shape(), [&](int64_t begin, int64_t n, float* out) {
        kernel(grids.front(), begin, n, out);
      });
    }
    NewTensor result(like.shape());
    parallel_for(static_cast<int64_t>(grids.size()), 1 + elementwise_grain / (elements + 1),
                 [&](int64_t first, int64_t last) {
                   for (int64_t group = first; group < last; ++group) {
                     kernel(grids[static_cast<size_t>(group)], group * elements, elements,
                            result.data() + group * elements);
                   }
                 });
    return result;
  }
};

void check(const Tensor& x, std::span<const QuantizationGrid> grids) {
  const int64_t rows = x.shape().axes() > 0 ? x.shape()[0] : 1;
  const auto count = static_cast<int64_t>(grids.size());
  if (count != 1 && count != rows) {
    throw Error("fake_quantize", std::to_string(count) + " grids do not fit the shape " +
                                     x.shape().to_string() + ": one is needed, or " +
                                     std::to_string(rows));
  }
  for (const QuantizationGrid& grid : grids) {
    if (!std::isfinite(grid.scale)) {
      throw Error(
          "fake_quantize",
          "what is to be quantized has values without a finite range: training has diverged; "
          "a lower learning rate usually helps");
    }
    if (!(grid.scale > 0) || grid.lowest > grid.highest) {
      throw Error("fake_quantize", "a grid needs a scale above 0 and lowest ≤ highest, not " +
                                       std::to_string(grid.scale) + ", " +
                                       std::to_string(grid.lowest) + " and " +
                                       std::to_string(grid.highest));
    }
  }
}

}  // namespace

Tensor fake_quantize(const Tensor& x, std::span<const QuantizationGrid> grids) {
  check(x, grids);
  const Groups groups{{grids.begin(), grids.end()}, x.size() / static_cast<int64_t>(grids.size())};
  const auto& kernel = vector_kernels();
  Tensor y = groups.fill(x, [&](const QuantizationGrid& grid, int64_t i, int64_t n, float* out) {
    kernel.fake_quantize(n,
                         {grid.scale, static_cast<float>(grid.zero_point),
                          static_cast<float>(grid.lowest), static_cast<float>(grid.highest)},
                         x.data() + i, out);
  });
  const QuantizationGrid& first = grids.front();  // of one grid a trace knows all
  return record("fake_quantize", {&x}, y,
                {{"grids", static_cast<double>(grids.size())},
                 {"scale", double{first.scale}},
                 {"zero_point", static_cast<double>(first.zero_point)},
                 {"lowest", static_cast<double>(first.lowest)},
                 {"highest", static_cast<double>(first.highest)}},
                [x = Saved(x), groups](const Tensor& g, InputGradients& into) {
                  const auto& slope = vector_kernels();
                  const float* input = x.get("fake_quantize").data();
                  into.add(0, groups.fill(g, [&](const QuantizationGrid& grid, int64_t i, int64_t n,
                                                 float* out) {
                    const float margin = rounding_margin * grid.scale;
                    slope.clamp_gradient(n, grid.low() - margin, grid.high() + margin, input + i,
                                         g.data() + i, out);
                  }));
                });
}

ValueRange value_range(const Tensor& x) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto& kernel = vector_kernels();
  std::vector<ValueRange> ranges(
      static_cast<size_t>(parallel_part_count(x.size(), elementwise_grain)),
      ValueRange{infinity, -infinity});
  parallel_parts(x.size(), elementwise_grain, [&](int64_t begin, int64_t end, int part) {
    ValueRange& range = ranges[static_cast<size_t>(part)];
    kernel.range(end - begin, x.data() + begin, &range.low, &range.high);
  });
  ValueRange all{infinity, -infinity};
  for (const ValueRange& range : ranges) {
    all.low = std::min(all.low, range.low);
    all.high = std::max(all.high, range.high);
  }
  return all;
}

}  // namespace espalier
