#pragma once

#include <cstdint>

#include "espalier/datasets/dataset.h"

/// Parts of a data set, without copying it: to limit the samples of a quick run, or to hold some
/// training pictures out for choosing settings.
namespace espalier::datasets {

/// Samples `begin` … `end − 1`.
struct SampleRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// A range of the samples, in their order. \throws Error when it is empty or reaches outside
DatasetPtr subset(DatasetPtr dataset, SampleRange range);
/// The first `count` samples. \throws Error when there are fewer, or `count` is below 1
DatasetPtr first_samples(DatasetPtr dataset, int64_t count);
/// The last `count` samples. \throws Error when there are fewer, or `count` is below 1
DatasetPtr last_samples(DatasetPtr dataset, int64_t count);

}  // namespace espalier::datasets
