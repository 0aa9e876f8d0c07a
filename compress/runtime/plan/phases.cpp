#include "espalier/compress/runtime/plan/phases.h"

namespace espalier::runtime {
namespace {

/// How far windows reach beyond `size` sorted pixels of an axis, on the side where it is more.
int64_t reach(const Operation& o, int64_t outputs, int64_t taps, int64_t size) {
  const int64_t before = -phase_of(-o.padding, o.stride).shift;
  const int64_t last = phase_of((taps - 1) * o.dilation - o.padding, o.stride).shift;
  const int64_t behind = outputs - size + last;
  return before > behind ? before : behind;
}

}  // namespace

bool can_be_sorted(const Operation& o, const Value& input) {
  return o.weight.kernel_height * o.weight.kernel_width > 1 && input.height() % o.stride == 0 &&
         input.width() % o.stride == 0;
}

SortedPicture sorted_picture(const Operation& o, const Value& input, const Value& output,
                             int64_t channels) {
  SortedPicture sorted{input, 0};
  sorted.value.rank = 3;
  sorted.value.extents[0] = input.height() / o.stride;
  sorted.value.extents[1] = input.width() / o.stride;
  sorted.value.extents[2] = int64_t{o.stride} * o.stride * channels;
  const int64_t vertical =
      reach(o, output.height(), o.weight.kernel_height, sorted.value.extents[0]);
  const int64_t horizontal =
      reach(o, output.width(), o.weight.kernel_width, sorted.value.extents[1]);
  sorted.border = static_cast<int32_t>(vertical > horizontal ? vertical : horizontal);
  return sorted;
}

}  // namespace espalier::runtime
