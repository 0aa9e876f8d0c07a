#include "espalier/compress/structure/channel_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace espalier::compress {
namespace {

constexpr std::array<std::string_view, 12> keep_zero{
    "batch_norm", "relu",       "relu6",      "leaky_relu",        "tanh",    "gelu",
    "hardswish",  "max_pool2d", "avg_pool2d", "global_avg_pool2d", "dropout", "round"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Of a result that is seen in another shape.
ChannelFlow flow_of_reshape(std::string_view pass, const Graph& graph,
                            const NetworkOperation& operation) {
  const Shape &from = operation.inputs[0].shape, &to = graph.value(operation.output).shape;
  if (from.axes() > 0 && to.axes() > 0 && channels_of(from) == channels_of(to))
    return ChannelFlow::handed_on;
  // A picture of one channel: as a flatten.
  if (from.axes() == 4 && to.axes() == 2 && from[3] == 1) return ChannelFlow::flatten;
  throw unknown_operation(pass, operation);
}

}  // namespace

int64_t channels_of(const Shape& shape) {
  return shape.axes() == 0 ? 1 : shape[shape.axes() - 1];
}

ChannelFlow channel_flow(std::string_view pass, const Graph& graph,
                         const NetworkOperation& operation) {
  const std::string& kind = operation.kind;
  if (kind == "linear") return ChannelFlow::fresh;
  if (kind == "conv2d")
    return operation.attribute("groups") > 1 ? ChannelFlow::by_group : ChannelFlow::fresh;
  if (kind == "batch_norm" && operation.inputs[3].value >= 0) return ChannelFlow::joined;
  if (contains(keep_zero, kind) || kind == "quantize") return ChannelFlow::handed_on;
  if (kind == "clamp") {
    const bool has_zero = operation.attribute("low") <= 0 && operation.attribute("high") >= 0;
    return has_zero ? ChannelFlow::handed_on : ChannelFlow::never_zero;
  }
  if (kind == "sigmoid") return ChannelFlow::never_zero;
  if (kind == "softmax" || kind == "log_softmax") return ChannelFlow::mixed;
  if (kind == "concat") return ChannelFlow::concat;
  if (kind == "flatten") return ChannelFlow::flatten;
  if (kind == "reshape") return flow_of_reshape(pass, graph, operation);
  const bool of_values = std::all_of(operation.inputs.begin(), operation.inputs.end(),
                                     [](const NetworkInput& input) { return input.value >= 0; });
  if ((kind == "add" || kind == "multiply") && of_values) return ChannelFlow::joined;
  throw unknown_operation(pass, operation);
}

void for_each_channel(const Graph& graph, const NetworkOperation& operation, ChannelFlow flow,
                      const std::function<void(int, int64_t, int64_t)>& visit) {
  const int64_t channels = channels_of(graph.value(operation.output).shape);
  if (flow == ChannelFlow::flatten) {
    const Shape& from = operation.inputs[0].shape;
    const int64_t pixels = from.axes() == 4 ? from[1] * from[2] : 1;
    for (int64_t c = 0; c < channels; ++c) visit(0, c / pixels, c);
    return;
  }
  int64_t start = 0;
  for (size_t i = 0; i < operation.inputs.size(); ++i) {
    if (operation.inputs[i].value < 0) continue;
    const int64_t own = channels_of(operation.inputs[i].shape);
    for (int64_t c = 0; c < own; ++c) visit(static_cast<int>(i), c, start + c);
    if (flow == ChannelFlow::concat) start += own;
  }
}

}  // namespace espalier::compress
