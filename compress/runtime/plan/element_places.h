#pragma once

#include "espalier/compress/runtime/kernels/kernels.h"
#include "espalier/compress/runtime/memory.h"

/// How the columns of a linear layer's weight meet the elements of its input's buffer.
namespace espalier::runtime {

/// The place of each column among the elements of the buffer; `places` has as many entries as there
/// are columns. \param picture  whether the buffer holds the picture that was flattened, so that
///        columns count its channels outermost; else they are in the order of the elements
void find_places(const View& view, bool picture, Array<int32_t>& places);

/// The column of each element of a buffer that is read row by row of each plane, without what lies
/// between rows; −1 where there is none. \param row  elements of a row
void find_columns(const View& view, int64_t row, const Array<int32_t>& places,
                  Array<int32_t>& columns);

}  // namespace espalier::runtime
