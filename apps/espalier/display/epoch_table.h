#pragma once

#include <string>
#include <vector>

#include "espalier/experiment/epoch_metrics.h"

namespace espalier::app {

/// The rows printed while a network trains, one for each epoch.
class EpochTable {
 public:
  /// \param accuracy  what the accuracy is called: `test accuracy`
  EpochTable(int epochs, const std::string& accuracy);

  /// Prints the row of an epoch and, before the first, the names of the columns.
  void add(const experiment::EpochMetrics& metrics);

 private:
  void print(const std::vector<std::string>& cells) const;

  int epochs_;
  std::vector<std::string> names_;
  std::vector<int> widths_;
  bool begun_ = false;
};

}  // namespace espalier::app
