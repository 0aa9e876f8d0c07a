#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "espalier/compress/structure/channel_groups.h"

namespace espalier::compress {

/// For each group, the channels that are dead: all that layers read of them is zero, whatever the
/// network's input. None of a pinned group.
/// \param by_masks  as in `zero_channels`
std::vector<std::vector<int64_t>> dead_channels(const Graph& graph, const ChannelGroups& groups,
                                                bool by_masks);

/// What is left of one axis of a parameter that has lost channels.
struct AxisCut {
  std::string parameter;  ///< its path, `conv1.weight`
  int axis;
  std::vector<int64_t> kept;  ///< the indices that stay, ascending
};

/// Cuts parameters with all that belongs to them, and buffers. The one place that does.
class ChannelCut {
 public:
  /// Keeps the given channels of each group, ascending, and tells the listeners of the model.
  /// \return the axes of parameters that have been cut, in the order of their paths and axes
  /// \throws Error when nothing would be left of a group, or it is pinned and not kept whole
  static std::vector<AxisCut> keep(nn::Module& model, const std::vector<ChannelGroup>& groups,
                                   const std::vector<std::vector<int64_t>>& kept);
};

/// What has been removed of a group.
struct RemovedChannels {
  std::string group;  ///< `ChannelGroup::describe`
  int64_t before, after;
};

struct RemovalOptions {
  /// Only what masks keep at zero is removed. Without that a zero is a zero: for a network that is
  /// not trained further.
  bool masked_only = false;
  /// How much outputs may differ afterwards, as a share of the largest of them: sums are computed
  /// in another order. Where activations are quantized a value may come to lie on the next code,
  /// so that 0.05 holds if this is less.
  double tolerance = 1e-4;
  /// Is told what has been cut, if anything, for who follows single weights.
  std::function<void(const std::vector<AxisCut>&)> on_cut = {};
};

/// Removes the channels that are dead, so that the network computes the same with less work: cuts
/// stored weights, gradients, masks, optimizer state and running statistics, whoever holds them. At
/// least one channel of a group stays. In between steps of a training, whatever the optimizer.
///
/// The outputs of two samples of noise are compared before and after.
/// \param sample  `H×W×C`, or whatever a sample's shape is
/// \return the groups that have lost channels
/// \throws Error for an operation that is not known; and when the outputs differ, the model is then
///         cut all the same
std::vector<RemovedChannels> remove_dead_channels(nn::Module& model, const Shape& sample,
                                                  const RemovalOptions& options = {});

/// Removes channels until parameters have the given shapes: for a network built as it once was,
/// before weights of the smaller one are loaded. Which channels go is of no importance then.
/// \param shapes  by the path of a parameter, `conv1.weight`; what is not there stays
/// \return whether any had to go
/// \throws Error when no removal of channels leads to these shapes; nothing has been cut then
bool fit_channels(nn::Module& model, const Shape& sample,
                  const std::map<std::string, Shape>& shapes);

}  // namespace espalier::compress
