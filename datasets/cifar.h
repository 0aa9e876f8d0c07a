#pragma once

#include <string>

#include "espalier/datasets/dataset.h"

/// Two well-known data sets of 50000 training and 10000 test photographs, `32×32×3`, in their
/// binary version: Krizhevsky, *Learning multiple layers of features from tiny images*, 2009;
/// https://www.cs.toronto.edu/~kriz/cifar.html. A file is a sequence of records: the label, a byte
/// (in CIFAR-100 two: the coarse class of 20, then the fine one), and 3072 bytes, the picture's
/// red, green and blue plane one after the other.
///
/// Nothing is downloaded (`scripts/get-data` does that). Without a folder, a data set is looked for
/// below `data` in the current directory, in `cifar10` or `cifar100`, in the folder that its
/// archive unpacks to, or in that one within the former. A folder may hold the files itself or in
/// such a subfolder. Files of other lengths are fine as long as they consist of whole records.
namespace espalier::datasets {

/// CIFAR-10: data_batch_1.bin … data_batch_5.bin, test_batch.bin, and batches.meta.txt with the
/// names of the classes, in `cifar-10-batches-bin`. Normalised by the channels of the training set:
/// means 0.4914, 0.4822, 0.4465, deviations 0.2470, 0.2435, 0.2616.
/// \param folder where the files are; empty: the usual places
/// \throws Error saying where was looked and how to get the files, or which file is missing,
///         truncated, or has a label that is out of range
DatasetPtr cifar10(const std::string& folder, Split split);

/// CIFAR-100 with its 100 fine classes: train.bin, test.bin, and fine_label_names.txt with their
/// names, in `cifar-100-binary`. Normalised by the channels of the training set: means 0.5071,
/// 0.4865, 0.4409, deviations 0.2673, 0.2564, 0.2762. \throws Error as `cifar10`
DatasetPtr cifar100(const std::string& folder, Split split);

}  // namespace espalier::datasets
