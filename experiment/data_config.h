#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/config/value.h"
#include "espalier/datasets/dataset.h"

namespace espalier::experiment {

/// The `data` section: `{name: fashion-mnist, limit: 60000, hold_out: 5000, dir: folder}`.
struct DataConfig {
  std::string name;
  std::string dir;  ///< where the files are; empty: the usual places
  /// The same for this machine, from the command line; no part of the configuration as run.
  std::optional<std::string> dir_here;
  std::optional<int64_t> limit;  ///< only the first so many training pictures are used
  int64_t hold_out = 0;  ///< the last so many of those are evaluated on instead of the test set
  compress::Position limit_position, hold_out_position;

  /// \throws ConfigError
  static DataConfig from(const compress::Value& value);
  compress::Value to_value() const;
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
/// \throws ConfigError when `limit` or `hold_out` ask for more than there is; Error for bad files
TrainingData open_data(const DataConfig& config, const Shape& sample);

}  // namespace espalier::experiment
