#include "espalier/autograd/ops/row_sums.h"

#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {

Tensor sum_to_last_axis(const Tensor& x) {
  const backend::VectorKernels& vector = backend::vector_kernels();
  const int64_t columns = x.shape()[x.shape().axes() - 1];
  const int64_t rows = columns == 0 ? 0 : x.size() / columns;
  const int64_t grain = 1 + elementwise_grain / (columns + 1);
  NewTensor shares({parallel_part_count(rows, grain), columns});
  shares.fill(0.0f);
  parallel_parts(rows, grain, [&](int64_t begin, int64_t end, int part) {
    vector.column_sums(end - begin, columns, x.data() + begin * columns,
                       shares.data() + part * columns);
  });
  NewTensor result({columns});
  vector.column_sums(shares.shape()[0], columns, shares.data(), result.data());
  return result;
}

}  // namespace espalier
