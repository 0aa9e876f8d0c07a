#pragma once

#include <cstdint>

#include "espalier/datasets/dataset.h"

namespace espalier::datasets {

struct SyntheticOptions {
  int64_t samples = 10000;
  Shape shape = {28, 28, 1};  ///< `H×W×C` of a sample
  int classes = 10;
  uint64_t seed = 0;           ///< another seed: other classes, other samples
  Split split = Split::train;  ///< the two have the same classes and no sample in common
};

/// Made-up pictures that a network can learn: needs no files, and is the same on every machine.
///
/// Each class is a fixed random smooth pattern. A sample is the pattern of its class, plus a smooth
/// pattern of its own as strong as that, plus noise on every pixel: so single pixels say little,
/// and a small network or the nearest class mean still gets nearly all right. Sample i has class i
/// mod `classes`, so that classes are equally frequent in every prefix. Pixels are normalised to a
/// mean near 0 and a deviation near 1. \throws Error for options below 1, or a shape that is not
/// `H×W×C`
DatasetPtr synthetic(const SyntheticOptions& options = {});

}  // namespace espalier::datasets
