#pragma once

#include <string>
#include <vector>

#include "espalier/datasets/dataset.h"

/// The file format of MNIST and its relatives: a magic number, the extents, then one byte a value,
/// all big-endian. Plain or gzip-compressed (`.gz`).
/// Format: http://yann.lecun.com/exdb/mnist (LeCun, Cortes, Burges, *The MNIST database*).
namespace espalier::datasets {

struct IdxOptions {
  int classes = 10;                           ///< labels are 0 … classes − 1; at most 256
  Normalisation normalisation = {};           ///< none: pixels in [0, 1]
  std::vector<std::string> class_names = {};  ///< one for each class, or none
};

/// The two files of one split.
struct IdxFiles {
  std::string images;  ///< unsigned bytes, axes `N×H×W`
  std::string labels;  ///< unsigned bytes, axis `N`
};

/// Reads pictures `H×W×1` and their labels into memory.
/// \throws Error naming the file when one is missing, no such file, truncated, damaged, followed by
///         further bytes (also behind compressed data), when the counts differ or a label is out of
///         range
DatasetPtr read_idx(const IdxFiles& files, const IdxOptions& options = {});

/// The same for a folder with the usual names: `train-images-idx3-ubyte` and
/// `train-labels-idx1-ubyte` for training, `t10k-…` for test; also with `.idx` for `-idx`, each
/// plain or with `.gz`.
/// \throws Error as `read_idx`, and naming what was looked for when it is not there
DatasetPtr open_idx(const std::string& folder, Split split, const IdxOptions& options = {});

/// Whether a folder has pictures of this split under one of these names.
bool has_idx_images(const std::string& folder, Split split);

}  // namespace espalier::datasets
