#pragma once

#include <functional>

#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizers/value_histogram.h"

/// Which range a tensor is quantized to, given how its values are distributed.
namespace espalier::compress {

/// The smallest and the largest value that occurred.
ValueRange minmax_range(const ValueHistogram& values);

/// The range without the outermost values: `high` is the least value that at least `percentile` in
/// a hundred do not exceed, `low` likewise from the other side. 100 is `minmax_range`.
ValueRange percentile_range(const ValueHistogram& values, double percentile);

/// What a tensor with this range is quantized with.
using GridOf = std::function<QuantizationGrid(const ValueRange&)>;

/// Σ (x − Q(x))² over all values.
double squared_error(const ValueHistogram& values, const QuantizationGrid& grid);

/// The range whose grid has the smallest squared error: few values are cut off so that the others
/// lie on a finer grid. The ends are tried at all 128ths of the outermost values: both alike, then
/// one at a time, in turn, until none gets better.
/// \param symmetric  grids lie around 0, so that both ends alike are all there is to try
ValueRange least_error_range(const ValueHistogram& values, const GridOf& grid, bool symmetric);

}  // namespace espalier::compress
