#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/experiment/exported_file.h"
#include "espalier/experiment/speeds.h"

namespace espalier::experiment {

/// Measures how fast a network answers, on an engine of its own, with pictures of random bytes in
/// memory. A call works on one batch.
struct InferenceBench {
  /// A `.esp` file, which the runtime computes; or a run's folder, whose network the framework
  /// computes in evaluation mode, as `evaluate` does.
  std::string network;
  int64_t batch = 1;
  int threads = 1;
  double seconds = 5;  ///< to measure for, after some calls that do not count

  /// \throws Error when there is no such network
  Speeds run() const;
};

/// Bytes for so many pictures of what the network takes, the same ones every time.
std::vector<uint8_t> random_pixels(const ExportedFile& file, int64_t batch);

}  // namespace espalier::experiment
