#include "espalier/compress/runtime/plan/phases.h"

#include "espalier/compress/runtime/plan/value_uses.h"

namespace espalier::runtime {
namespace {

/// Calls visit(other) for all convolutions that read the same value with the same stride.
template <typename Visit>
void each_alike(const Graph& graph, const Operation& o, Visit&& visit) {
  for (const Operation& other : graph.operations) {
    if (other.kind == OperationKind::convolution && other.groups == 1 && other.stride == o.stride &&
        input_index(graph, other, 0) == input_index(graph, o, 0))
      visit(other);
  }
}

/// How far windows reach beyond `size` sorted pixels of an axis, on the side where it is more.
int64_t reach(const Operation& o, int64_t outputs, int64_t taps, int64_t size) {
  const int64_t before = -phase_of(-o.padding, o.stride).shift;
  const int64_t last = phase_of((taps - 1) * o.dilation - o.padding, o.stride).shift;
  const int64_t behind = outputs - size + last;
  return before > behind ? before : behind;
}

}  // namespace

bool can_be_sorted(const Graph& graph, const Operation& o) {
  bool several = false;
  each_alike(graph, o, [&](const Operation& other) {
    several = several || other.weight.kernel_height * other.weight.kernel_width > 1;
  });
  const Value& input = graph.input(o);
  return several && input.height() % o.stride == 0 && input.width() % o.stride == 0;
}

SortedPicture sorted_picture(const Graph& graph, const Operation& o, int64_t channels) {
  const Value& input = graph.input(o);
  SortedPicture sorted{input, 0};
  int64_t* extents = sorted.value.extents;
  sorted.value.rank = 3;
  extents[0] = input.height() / o.stride;
  extents[1] = input.width() / o.stride;
  extents[2] = int64_t{o.stride} * o.stride * channels;
  int64_t border = 0;
  each_alike(graph, o, [&](const Operation& other) {
    const Value& output = graph.output(other);
    const int64_t vertical = reach(other, output.height(), other.weight.kernel_height, extents[0]);
    const int64_t horizontal = reach(other, output.width(), other.weight.kernel_width, extents[1]);
    border = vertical > border ? vertical : border;
    border = horizontal > border ? horizontal : border;
  });
  sorted.border = static_cast<int32_t>(border);
  return sorted;
}

}  // namespace espalier::runtime
