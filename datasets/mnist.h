#pragma once

#include <string>

#include "espalier/datasets/dataset.h"

/// Two well-known data sets of 60000 training and 10000 test pictures, `28×28×1`, 10 classes.
///
/// Nothing is downloaded. Without a folder, the data set is looked for in `data/<name>` below the
/// current directory and where Debian's package puts it. A folder may hold the four files itself or
/// in a subfolder with the data set's name (also torchvision's `MNIST/raw`, `FashionMNIST/raw`).
namespace espalier::datasets {

/// Handwritten digits, normalised with the mean 0.1307 and deviation 0.3081 of the training set.
/// LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition*, 1998.
/// \param folder where the files are; empty: the usual places
/// \throws Error saying where was looked and how to get the files, or what is wrong with them
DatasetPtr mnist(const std::string& folder, Split split);

/// Articles of clothing, normalised with the mean 0.2860 and deviation 0.3530 of the training set.
/// Xiao, Rasul, Vollgraf, *Fashion-MNIST: a novel image dataset for benchmarking*, 2017.
/// Debian has it as the package `dataset-fashion-mnist`.
/// \param folder where the files are; empty: the usual places
/// \throws Error saying where was looked and how to get the files, or what is wrong with them
DatasetPtr fashion_mnist(const std::string& folder, Split split);

}  // namespace espalier::datasets
