#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/structure/graph.h"

namespace espalier::compress {

/// The part of one parameter or buffer that belongs to the channels of a group.
struct ChannelMember {
  enum class Part {
    filters,  ///< what makes the channels: the first axis of a conv2d's or linear's weight
    bias,     ///< of such a layer
    norm,     ///< γ, β or running statistics of a batch normalisation
    inputs,   ///< what reads the channels: the last axis of a weight
  };
  Part part;
  std::string layer;                         ///< path
  std::shared_ptr<nn::ModuleRecord> module;  ///< of that layer
  nn::Parameter* parameter;                  ///< null for a buffer
  nn::NamedBuffer* buffer;                   ///< null for a parameter
  int axis;
  /// By channel of the group: the indices along the axis that belong to it. Often one; behind a
  /// flatten one for each pixel.
  std::vector<std::vector<int64_t>> indices;

  /// `conv1.weight`.
  std::string name() const;
  /// Extent of the axis, at the moment.
  int64_t extent() const;
};

/// Channels that can only be removed together with what else depends on them, and all in the same
/// way: what one channel is made of is in each of the members.
struct ChannelGroup {
  int64_t channels = 0;
  std::vector<ChannelMember> members = {};  ///< in the order of the network
  /// Why no channel of it can be removed: `its channels are the network's result`; empty: they can.
  std::string pinned = {};
  /// By channel: where layers read it, as numbers of values and indices along their last axis. If
  /// all of these are zero the channel can go.
  std::vector<std::vector<std::pair<int, int64_t>>> reads = {};

  /// Paths of the layers whose filters make the channels, in the order of the network.
  std::vector<std::string> producers() const;
  /// `conv1` or `block1.conv2 and 2 more layers`, for messages.
  std::string describe() const;
};

/// Which channels of a network depend on each other.
///
/// A channel is an index along the last axis of a value. An operation that works channel by channel
/// hands it on: batch normalisation, activation functions, pooling. An addition makes one of the
/// channels of its operands, a concatenation puts them side by side, a flatten spreads channel c of
/// an `H×W×C` value over the values c·H·W … (c+1)·H·W − 1. A depthwise convolution hands each
/// channel on; of a convolution in several groups, in general, all inputs and filters of a group
/// are one channel here, since such a layer can only lose groups as a whole. Fully connected layers
/// and other convolutions begin new channels. Channels of the network's input and result are
/// pinned, so are those that do not stay zero (a sigmoid of 0 is ½).
class ChannelGroups {
 public:
  /// \throws Error naming an operation that is not known, and its layer
  explicit ChannelGroups(const Graph& graph);

  const std::vector<ChannelGroup>& all() const { return groups_; }

 private:
  std::vector<ChannelGroup> groups_;
};

/// Where the values of a network are zero whatever its input: for each value, for each index of its
/// last axis. Found from weights alone: a filter of zeros with a bias of zero makes zeros, γ and β
/// of zero do, and most operations make zero of zero.
/// \param by_masks  only what a mask keeps at zero counts, not values that happen to be zero
std::vector<std::vector<bool>> zero_channels(const Graph& graph, bool by_masks);

}  // namespace espalier::compress
