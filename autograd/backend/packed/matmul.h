#pragma once

#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/packed_table.h"

namespace espalier::backend::packed {

/// The library's own matrix product: one side of it is packed so that it fits the caches (after
/// Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008),
/// the other one is too where it is not stored along k, and blocks of them are multiplied by the
/// kernels of an instruction set. Which matrix is which side, and which side threads share, is what
/// costs least. Every value of C is summed in the same order, however many threads there are.
void matmul(const PackedKernels& kernels, const Matmul& problem, const float* a, const float* b,
            float* c);

/// Rough nanoseconds of the same.
double cost(const PackedKernels& kernels, const Matmul& problem);

/// The kernels of the best instruction set that the current engine may use.
const PackedKernels& best_kernels();

}  // namespace espalier::backend::packed
