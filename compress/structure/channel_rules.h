#pragma once

#include <cstdint>
#include <functional>

#include "espalier/compress/structure/graph.h"

namespace espalier::compress {

/// How the channels of an operation's result come from those of its inputs.
enum class ChannelFlow {
  fresh,       ///< conv2d in one group, linear: each depends on all channels of the input
  by_group,    ///< conv2d in several groups
  handed_on,   ///< each from the same channel of the input, and zero stays zero
  never_zero,  ///< each from the same channel, but zero does not stay zero
  mixed,       ///< each from all others
  joined,      ///< each from the same channel of every input
  concat,      ///< those of the inputs side by side
  flatten,     ///< each spread over the pixels, channel outermost
};

/// \param pass  for the error
/// \throws Error naming an operation that is not known, and its layer
ChannelFlow channel_flow(std::string_view pass, const Graph& graph,
                         const NetworkOperation& operation);

/// Extent of the last axis.
int64_t channels_of(const Shape& shape);

/// For operations that hand on, spread or place channels: calls `visit(input, from, to)` for each
/// index `to` of the result and the index `from` of the input number `input` that it comes from.
void for_each_channel(const Graph& graph, const NetworkOperation& operation, ChannelFlow flow,
                      const std::function<void(int input, int64_t from, int64_t to)>& visit);

}  // namespace espalier::compress
