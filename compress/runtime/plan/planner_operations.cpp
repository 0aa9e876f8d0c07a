#include <limits>

#include "espalier/compress/runtime/plan/planner.h"

namespace espalier::runtime {
namespace {

void set_multiplier(Step& step, Multiplier by) {
  step.factor = by.factor;
  step.shift = by.shift;
}

void set_grids(Step& step, const Grid& x, const Grid& y, Clamp clamp) {
  const CodeRange range = code_range(y, clamp);
  step.x_zero = x.zero_point + 128;
  step.y_zero = y.zero_point + 128;
  step.lowest = range.lowest + 128;
  step.highest = range.highest + 128;
}

void set_limits(Step& step, Clamp clamp) {
  step.low = clamp == Clamp::none ? -std::numeric_limits<float>::infinity() : 0;
  step.high = clamp == Clamp::relu6 ? 6 : std::numeric_limits<float>::infinity();
}

}  // namespace

Status Planner::plan_pool(const Operation& o) {
  const Value& input = graph_.input(o);
  const int32_t from = input_buffer(o);
  const bool whole = o.kind == OperationKind::global_average_pool;
  int32_t to = -1;
  const Status status = output_buffer(o, whole ? 0 : buffer(from).view.block, to);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::pool, from, to);
  step.operation = o.output - 1;
  step.kernel = o.kernel;
  step.stride = o.stride;
  step.padding = o.padding;
  step.whole = whole;
  step.mean = o.kind != OperationKind::max_pool;
  if (input.codes && step.mean) {
    const Grid& y = graph_.output(o).grid;
    const double count = whole ? static_cast<double>(input.height() * input.width())
                               : static_cast<double>(o.kernel) * o.kernel;
    set_grids(step, input.grid, y, Clamp::none);
    set_multiplier(step, multiplier(input.grid.scale / (y.scale * count)));
  }
  return {};
}

Status Planner::plan_add(const Operation& o) {
  const int32_t first = input_buffer(o, 0);
  int32_t second = -1, to = -1;
  Status status =
      in_layout(input_buffer(o, 1), graph_.input(o, 1), buffer(first).view.block, 0, second);
  if (!status.ok()) return status;
  status = output_buffer(o, buffer(first).view.block, to);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::add, first, to);
  step.operation = o.output - 1;
  step.second = second;
  set_limits(step, o.clamp);
  if (!step.codes) return {};
  const Grid& y = graph_.output(o).grid;
  const Grid& a = graph_.input(o, 0).grid;
  const Grid& b = graph_.input(o, 1).grid;
  set_grids(step, a, y, o.clamp);
  step.second_zero = b.zero_point + 128;
  const double scale = y.scale;
  const MultiplierPair by = multiplier_pair(a.scale / scale, b.scale / scale);
  step.factor = by.first;
  step.second_factor = by.second;
  step.shift = by.shift;
  return {};
}

Status Planner::plan_concat(const Operation& o) {
  int32_t to = -1;
  const Status status = output_buffer(o, 0, to);
  if (!status.ok()) return status;
  int32_t channel = 0;
  for (int i = 0; i < o.input_count; ++i) {
    const Status part = plan_convert(o, i, channel);
    if (!part.ok()) return part;
    channel += static_cast<int32_t>(graph_.input(o, i).channels());
  }
  return {};
}

Status Planner::plan_convert(const Operation& o, int i, int32_t first_channel) {
  const int32_t from = input_buffer(o, i);
  int32_t to = buffer_of_[static_cast<size_t>(o.output)];
  if (to < 0) {
    const Status status = output_buffer(
        o, buffer(from).codes == graph_.output(o).codes ? buffer(from).view.block : 0, to);
    if (!status.ok()) return status;
  }
  const int32_t made_by = buffer(to).made_by;
  Step& step = add_step(StepKind::convert, from, to);
  // The first of several steps is the one that makes the buffer.
  if (i > 0) buffer(to).made_by = made_by;
  step.operation = o.output - 1;
  step.first_channel = first_channel;
  const Value& x = graph_.input(o, i);
  const Value& y = graph_.output(o);
  if (x.codes && y.codes) {
    const bool equal = x.grid.scale == y.grid.scale && x.grid.zero_point == y.grid.zero_point &&
                       x.grid.lowest >= y.grid.lowest && x.grid.highest <= y.grid.highest;
    set_grids(step, x.grid, y.grid, Clamp::none);
    if (!equal) {
      set_multiplier(step, multiplier(x.grid.scale / static_cast<double>(y.grid.scale)));
      step.scale = 1;
    }
  } else if (x.codes) {
    step.x_zero = x.grid.zero_point + 128;
    step.scale = x.grid.scale;
  } else if (y.codes) {
    set_grids(step, y.grid, y.grid, Clamp::none);
    step.scale = y.grid.scale;
  }
  return {};
}

Status Planner::plan_reshape(const Operation& o) {
  const int32_t from = input_buffer(o);
  const auto v = static_cast<size_t>(o.output);
  const bool flattens = o.kind == OperationKind::flatten && graph_.input(o).rank == 3;
  const bool only_linear = v + 1 < graph_.values.size() && !values_.not_linear[v];
  // Linear layers read a picture as well as a vector: their weights are put in its order.
  if (only_linear && flattens) {
    buffer_of_[v] = from;
    picture_[v] = 1;
    return {};
  }
  // A vector of the elements as they lie needs no copy either.
  const Buffer& have = buffer(from);
  const bool as_it_lies = have.border == 0 && have.view.block == have.view.channels;
  if (only_linear && as_it_lies && graph_.output(o).rank == 1) {
    buffer_of_[v] = from;
    return {};
  }
  int32_t to = -1;
  const Status status = output_buffer(o, 0, to);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::convert, from, to);
  step.operation = o.output - 1;
  step.flat = true;
  step.channels_first = flattens;
  return {};
}

Status Planner::plan_activation(const Operation& o) {
  const int32_t from = input_buffer(o);
  int32_t to = -1;
  const Status status = output_buffer(o, buffer(from).view.block, to);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::function, from, to);
  step.operation = o.output - 1;
  step.function = o.function;
  step.slope = o.slope;
  if (!step.codes) return {};
  uint8_t* table = plan_.storage.allocate<uint8_t>(256);
  if (!table) return no_memory();
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(o.table[i] ^ 128);
  step.table = table;
  return {};
}

}  // namespace espalier::runtime
