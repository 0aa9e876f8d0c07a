#pragma once

#include <cstdint>
#include <vector>

#include "espalier/datasets/dataset.h"

namespace espalier::datasets {

/// Random changes that leave the class of a training picture as it is; all are off unless asked
/// for. They are made in this order, each time a picture comes up anew:
struct Augmentation {
  /// Adds so many black pixels (raw value 0, before normalisation) on every side and cuts a picture
  /// of the old size out of the result, at a place that is uniformly random. The usual value for
  /// CIFAR is 4: He et al., *Deep residual learning for image recognition*, arXiv 1512.03385, §4.2.
  int64_t pad = 0;
  /// Mirrors left and right with probability 1/2.
  bool flip = false;
  /// Blanks a square of so many pixels a side, filled with 0 after normalisation, that is with the
  /// mean. Its centre is uniformly random in the picture, so the square may hang over the border.
  /// DeVries & Taylor, *Improved regularization of convolutional neural networks with cutout*,
  /// arXiv 1708.04552, §3. Their program makes an odd side smaller by 1, this one does not.
  int64_t cutout = 0;

  bool any() const { return pad != 0 || flip || cutout != 0; }
};

/// Does it. What happens to a picture is a function of the seed, the epoch and the number of the
/// sample alone, so it does not depend on the order of samples, on batches or on threads; and each
/// change has random numbers of its own, so switching one off leaves the others as they were.
class Augmenter {
 public:
  /// \param sample         `H×W×C` of the pictures
  /// \param normalisation  what their pixels went through: says what black is
  /// \throws Error when `pad` is not in [0, min(H, W)) or `cutout` not in [0, min(H, W)]
  Augmenter(const Augmentation& options, const Shape& sample, const Normalisation& normalisation,
            uint64_t seed);

  /// Writes the changed picture to `result`, which must not be `picture`; both are `H×W×C`.
  void apply(const float* picture, float* result, int epoch, int64_t sample) const;

 private:
  // A picture moved by (down, right) pixels, perhaps mirrored afterwards.
  void place(const float* picture, float* result, int64_t down, int64_t right, bool mirror) const;
  void blank(float* picture, int64_t centre_row, int64_t centre_column) const;

  Augmentation options_;
  int64_t height_, width_, channels_;
  uint64_t seed_;
  std::vector<float> black_row_;  // W×C
};

}  // namespace espalier::datasets
