#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/autograd/mask.h"
#include "espalier/compress/structure/channel_removal.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

/// How the masks at the end of an epoch differ from those at the end of the epoch before. At the
/// beginning everything is kept.
struct MaskChanges {
  /// In the first epoch: every layer that can be masked, and the shape of its weight at the
  /// beginning, in the order of the network.
  std::vector<std::pair<std::string, Shape>> layers = {};
  /// What of weights has been removed meanwhile; here `parameter` is the path of the layer.
  std::vector<compress::AxisCut> cuts = {};
  /// Layers and the entries, of those that are left, that were kept and are masked, or the other
  /// way round; only layers with any.
  std::vector<std::pair<std::string, Mask>> flipped = {};
};

/// One record of the file `mask_history`, which holds one for each epoch, one behind the other:
///
///     0   uint32    number of bytes of what follows the 8 bytes, compressed (zlib)
///     4   uint32    the same, decompressed, which is:
///     a line of JSON: {"layers": [{"layer", "shape"}], "cuts": [{"layer", "axis", "kept"}],
///                      "flipped": [{"layer", "shape"}]}
///     for each of `flipped` its bits, in words of 64, the lowest first
///
/// All numbers are little-endian. Equal trainings write equal bytes.
std::string to_record(const MaskChanges& changes);
/// How many bytes the first `records` records take; nothing where there are fewer whole ones.
std::optional<size_t> length_of_records(std::string_view file, int records);
/// All whole records. \throws Error for one that is damaged
std::vector<MaskChanges> read_records(std::string_view file);

/// Compares the masks of a model at the end of each epoch with those of the epoch before.
class MaskRecorder {
 public:
  /// Records nothing.
  MaskRecorder() = default;
  /// \param file  what has been recorded so far
  /// \throws Error when it is damaged
  MaskRecorder(const nn::Module& model, std::string_view file);

  /// Whether there is anything to record: some weight has a mask.
  bool records() const { return records_; }
  /// Channels have been removed.
  void cut(const std::vector<compress::AxisCut>& parameters);
  /// The epoch is over. \return its record
  std::string end_of_epoch(const nn::Module& model);

 private:
  std::vector<std::pair<std::string, Mask>> masks_;  // at the end of the epoch before
  std::vector<compress::AxisCut> cuts_;
  bool first_ = true, records_ = false;
};

/// What became of the weights of one layer.
struct WeightHistory {
  static constexpr uint16_t alive = 0;

  std::string layer;
  Shape shape;  ///< that of the beginning: channels that have been removed still have their places
  /// By weight: 1 + the epoch, from 0, at whose end it was masked or removed and since when it has
  /// been so; `alive` where it is neither.
  std::vector<uint16_t> died;
  /// Weights that were masked at the end of an epoch and are not any more.
  int64_t came_back = 0;
  /// Indices of an axis that have been removed, at the end of an epoch.
  struct Removal {
    int epoch;
    int axis;
    int64_t before, after;
  };
  std::vector<Removal> removals;
};

/// The history of every layer that can be masked, in the order of the network. \throws Error for
/// records that do not belong together
std::vector<WeightHistory> weight_histories(const std::vector<MaskChanges>& epochs);

}  // namespace espalier::experiment
