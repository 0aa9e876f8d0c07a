#pragma once

#include <cstdint>

#include "espalier/autograd/tensor.h"

namespace espalier {

/// Some samples: images `N×H×W×C` and the class of each.
struct Batch {
  Tensor images;
  Labels labels;
};

/// What a training loop reads: the smallest contract between data sets and training.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Begins a pass over the samples. Equal epochs give equal batches in equal order.
  virtual void start_epoch(int epoch) = 0;
  /// Begins a pass at its batch number `first_batch`: what follows is the rest of the whole pass.
  /// Unless a source knows a shorter way, it makes the batches before and drops them.
  virtual void start_epoch_at(int epoch, int64_t first_batch) {
    start_epoch(epoch);
    Batch passed;
    for (int64_t i = 0; i < first_batch; ++i) next(passed);
  }
  /// The next batch of the pass; false at its end. \throws Error when the data cannot be read
  virtual bool next(Batch& batch) = 0;
  virtual int64_t samples() const = 0;            ///< samples in a pass
  virtual int64_t batches() const = 0;            ///< batches in a pass
  virtual const Shape& sample_shape() const = 0;  ///< `H×W×C`
  virtual int classes() const = 0;
};

}  // namespace espalier
