#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/datasets/dataset.h"

/// Pictures of your own: a folder that holds a folder of picture files for each class.
namespace espalier::datasets {

/// Pixels that a picture may have in each direction.
constexpr int64_t largest_picture_side = 1 << 14;

struct PictureFolderOptions {
  int64_t height = 32, width = 32;  ///< pictures are stretched to this; see `read_picture`
  int64_t channels = 3;             ///< 3: red, green, blue; 1: grey
  /// How much of the pictures is for testing, in [0, 1), when the folder does not say itself.
  double test_fraction = 0.2;
  uint64_t split_seed = 0;                  ///< another seed: other pictures for testing
  int64_t memory_limit = int64_t{4} << 30;  ///< bytes that the pictures may take in memory
};

/// The two halves of a folder. They have the same classes and the same normalisation.
struct PictureFolder {
  DatasetPtr train;
  DatasetPtr test;  ///< without samples when `test_fraction` is 0
};

/// Reads a folder of pictures into memory, H·W·C bytes each, decoding on all cores.
///
/// Its subfolders are the classes: sorted by name (bytewise) they have the labels 0, 1, …, and
/// their names are the class names. A class holds files that end as `has_picture_name` says, also
/// in folders further down; other files, and names that begin with a dot, are passed over.
///
/// If the folder has a subfolder `train` and a subfolder `test` (or else `val`), those hold the
/// classes of the two halves. Otherwise each picture is for testing with probability
/// `test_fraction`, decided by a hash of its name below the folder and by the seed: the halves are
/// of that size approximately, and a picture that is added or removed moves no other one.
/// The order of the samples is that of another hash, so every stretch of them is a random mixture
/// of the classes.
///
/// Normalised with the mean and the standard deviation of each channel over all training pixels.
/// \throws Error naming what is wrong: no such folder, a file in its place, a picture outside of a
///         class, fewer than two classes, a class without pictures or without training pictures, a
///         class in `test` that `train` lacks, no pictures for testing although some were asked
///         for, a picture that cannot be decoded, more bytes than the limit, options out of range
PictureFolder picture_folder(const std::string& folder, const PictureFolderOptions& options = {});

/// The files that `picture_folder` reads, in no particular order. \throws Error as it does for what
/// shows without opening them
std::vector<std::string> picture_files(const std::string& folder);

/// The class names of such a folder alone, for making a network of the right size before its
/// pictures are read. \throws Error when there is no such folder, or it has fewer than two classes
std::vector<std::string> picture_classes(const std::string& folder);

}  // namespace espalier::datasets
