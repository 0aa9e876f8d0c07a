#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/config/value.h"
#include "espalier/datasets/augmentation.h"
#include "espalier/datasets/dataset.h"
#include "espalier/datasets/picture_folder.h"

namespace espalier::experiment {

/// The `data` section: `{name: fashion-mnist, limit: 60000, hold_out: 5000, dir: folder}`.
///
/// With `augment: {pad: 4, flip: true, cutout: 8}` the training pictures are changed at random, see
/// `datasets::Augmentation`. Pictures of your own are
/// `{name: folder, dir: folder, size: [32, 32], channels: 3, test_fraction: 0.2}`, see
/// `datasets::picture_folder`; further keys are `split_seed`, which is no part of the training's
/// seed so that all trainings are judged with the same pictures, and `memory_mib`.
struct DataConfig {
  std::string name;
  std::string dir;  ///< where the files are; empty: the usual places
  /// The same for this machine, from the command line; no part of the configuration as run.
  std::optional<std::string> dir_here;
  std::optional<int64_t> limit;  ///< only the first so many training pictures are used
  int64_t hold_out = 0;  ///< the last so many of those are evaluated on instead of the test set
  datasets::Augmentation augment;         ///< of the training pictures
  datasets::PictureFolderOptions folder;  ///< for the name `folder`
  compress::Position position, limit_position, hold_out_position, augment_position;

  /// \throws ConfigError
  static DataConfig from(const compress::Value& value);
  compress::Value to_value() const;

  /// How many classes the data have. A folder of pictures is asked for its own, without reading
  /// pictures. \throws ConfigError, or Error for a folder that has none, as `open_data` does
  int classes() const;
};

/// The pictures to learn from and those to judge with.
struct TrainingData {
  datasets::DatasetPtr train, evaluation;
};

/// A data set that configurations may name.
struct DataKind {
  std::string name, description;
};
const std::vector<DataKind>& data_kinds();

/// Opens the data. `sample` is the shape that made-up pictures get.
/// \throws ConfigError when `limit` or `hold_out` ask for more than there is, when a folder is not
///         named, or `augment` does not fit the size of the pictures; Error for bad files
TrainingData open_data(const DataConfig& config, const Shape& sample);

}  // namespace espalier::experiment
