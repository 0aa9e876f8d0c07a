#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/sparsity.h"
#include "espalier/nn/train/callback.h"

namespace espalier::experiment {

/// One line of metrics.jsonl.
struct EpochMetrics {
  int epoch = 0;     ///< from 0
  int64_t step = 0;  ///< optimizer steps done over all epochs
  double train_loss = 0;
  double accuracy = 0;  ///< a fraction; its key in the file is `test_accuracy` or the like
  double sparsity = 0;  ///< of all counted weights
  /// What the schedules of pruners wanted that to be; empty where none has one.
  std::optional<double> target_sparsity = {};
  std::vector<std::pair<std::string, double>> layers;  ///< sparsity of each
  double learning_rate = 0;
  double images_per_second = 0;
  double seconds = 0;

  static EpochMetrics of(const nn::EpochReport& report,
                         const std::vector<compress::LayerSparsity>& weights,
                         std::optional<double> target_sparsity = {});
  /// One JSON object without a line break.
  std::string to_line(const std::string& accuracy_key) const;
  /// \throws Error when the line is no such object
  static EpochMetrics from_line(const std::string& line, const std::string& accuracy_key);
};

/// Of all whole lines of such a file; none if there is no file. \throws Error as `from_line`
std::vector<EpochMetrics> read_metrics(const std::string& path, const std::string& accuracy_key);
/// Of the last whole line of such a file; nothing if there is none. \throws Error as `from_line`
std::optional<EpochMetrics> last_metrics(const std::string& path, const std::string& accuracy_key);

}  // namespace espalier::experiment
