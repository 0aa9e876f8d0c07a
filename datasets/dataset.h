#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "espalier/autograd/core/shape.h"

namespace espalier::datasets {

/// Which of a data set's two halves: the samples to learn from, or those to judge with.
enum class Split { train, test };

/// How pixels are brought to mean 0 and variance 1: `(pixel / 255 − mean) / deviation`.
/// One value a channel, one for all channels, or none at all: then pixels are in [0, 1].
struct Normalisation {
  std::vector<float> mean = {};
  std::vector<float> deviation = {};

  /// The normalised value of a byte of a picture, in one of its channels.
  float operator()(uint8_t byte, int64_t channel) const;
  /// The other way round: the byte whose normalised value is nearest.
  uint8_t nearest_byte(float value, int64_t channel) const;
};

/// Pictures with a class each, in a fixed order.
///
/// `read` and `label` may be called from several threads at once: a data set does not change while
/// it is read. What changes from epoch to epoch (order, batching) belongs to the `Loader`.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;               ///< number of samples
  virtual const Shape& sample_shape() const = 0;  ///< `H×W×C`
  virtual int classes() const = 0;                ///< labels are 0 … classes − 1
  /// What the classes are called, one name for each label; empty where they have numbers only.
  virtual std::vector<std::string> class_names() const { return {}; }

  /// Writes the pixels of a sample, `H×W×C`, normalised, to `pixels`: what a network takes.
  /// The data set normalises, and not the loader, because it has the bytes: a table of 256 values
  /// a channel does the scaling and the normalisation in one look-up.
  /// A loader calls this and `label` from several threads at once.
  /// \throws Error when `index` is not in [0, size()) or the sample cannot be read
  virtual void read(int64_t index, float* pixels) const = 0;
  /// The class of a sample. \throws Error when `index` is not in [0, size())
  virtual int32_t label(int64_t index) const = 0;
  /// What `read` did to the pixels; whoever feeds pictures to the trained network must do the same.
  virtual const Normalisation& normalisation() const = 0;
};

/// Data sets are shared: a loader, and the subsets made of it, keep theirs alive.
using DatasetPtr = std::shared_ptr<const Dataset>;

}  // namespace espalier::datasets
