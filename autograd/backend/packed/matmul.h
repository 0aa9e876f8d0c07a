#pragma once

#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/packed_table.h"

namespace espalier::backend::packed {

/// The library's own matrix product: blocks of A and B are packed so that they fit the caches
/// (after Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3),
/// 2008) and multiplied by the kernels of an instruction set. Rows or columns of C are shared out
/// between threads; every value of C is summed in the same order, however many there are.
void matmul(const PackedKernels& kernels, const Matmul& problem, const float* a, const float* b,
            float* c);

/// The kernels of the best instruction set that the current engine may use.
const PackedKernels& best_kernels();

}  // namespace espalier::backend::packed
