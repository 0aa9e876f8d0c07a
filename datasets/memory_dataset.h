#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/datasets/dataset.h"

namespace espalier::datasets {

/// Pictures as bytes, and what is known about them.
struct Pictures {
  Shape sample_shape = {};           ///< `H×W×C`
  std::vector<uint8_t> pixels = {};  ///< `N×H×W×C`
  std::vector<int32_t> labels = {};  ///< N, each in 0 … classes − 1
  int classes = 10;
  Normalisation normalisation = {};           ///< applied when a sample is read
  std::vector<std::string> class_names = {};  ///< one for each class, or none
};

/// A data set that lies in memory, one byte a pixel: 60000 pictures of 28×28 take 45 MiB, a quarter
/// of what floats would. What the readers of file formats make; usable for pictures of your own.
class MemoryDataset : public Dataset {
 public:
  /// \throws Error when shape, counts, labels, names or normalisation do not fit together
  explicit MemoryDataset(Pictures pictures);

  int64_t size() const override { return static_cast<int64_t>(pictures_.labels.size()); }
  const Shape& sample_shape() const override { return pictures_.sample_shape; }
  int classes() const override { return pictures_.classes; }
  std::vector<std::string> class_names() const override { return pictures_.class_names; }
  void read(int64_t index, float* pixels) const override;
  int32_t label(int64_t index) const override;
  const Normalisation& normalisation() const override { return pictures_.normalisation; }

 private:
  Pictures pictures_;
  int64_t sample_size_;       // H·W·C
  std::vector<float> table_;  // C×256: the normalised value of each byte, channel by channel
};

}  // namespace espalier::datasets
