#pragma once

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {

/// A new tensor of `shape`, filled by `kernel(begin, length, out)` in parallel parts.
template <class Kernel>
Tensor fill_parts(const Shape& shape, Kernel&& kernel) {
  NewTensor result(shape);
  parallel_for(result.size(), elementwise_grain, [&](int64_t begin, int64_t end) {
    kernel(begin, end - begin, result.data() + begin);
  });
  return result;
}

/// A new `rows×columns` tensor, filled by `kernel(first row, rows, out)` in parallel parts of whole
/// rows.
template <class Kernel>
Tensor fill_rows(int64_t rows, int64_t columns, Kernel&& kernel) {
  NewTensor result({rows, columns});
  parallel_for(rows, 1 + elementwise_grain / (columns + 1), [&](int64_t begin, int64_t end) {
    kernel(begin, end - begin, result.data() + begin * columns);
  });
  return result;
}

}  // namespace espalier
