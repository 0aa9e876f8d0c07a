#include "espalier/compress/runtime/plan/planner.h"

#include "espalier/compress/runtime/plan/input.h"
#include "espalier/compress/runtime/plan/place_buffers.h"

namespace espalier::runtime {

Status Planner::make() {
  const size_t operations = graph_.operations.size(), values = graph_.values.size();
  // A layer needs a step, and another for each input in a layout that it cannot read.
  const size_t most_steps = 2 * graph_.inputs.size() + 2 * operations;
  plan_.steps = plan_.storage.allocate<Step>(most_steps);
  plan_.buffers = plan_.storage.allocate<Buffer>(values + most_steps);
  if (!plan_.steps || !plan_.buffers || !buffer_of_.allocate(budget_, values) ||
      !values_.find(graph_, budget_) || !picture_.allocate(budget_, values) ||
      !sorted_.allocate(budget_, values) || !fused_.allocate(budget_, operations)) {
    return no_memory();
  }
  for (size_t v = 0; v < values; ++v) buffer_of_[v] = -1;
  Status status = make_buffer(graph_.values[0], 0, values_.border[0], buffer_of_[0]);
  if (!status.ok()) return status;
  plan_.input = buffer_of_[0];
  for (size_t i = 0; i < operations; ++i) {
    if (fused_[i]) continue;
    status = plan_operation(graph_.operations[i]);
    if (!status.ok() || wide_weights_) return status;
  }
  plan_.output = buffer_of_[values - 1];
  if (!make_pixel_table(graph_, plan_)) return no_memory();
  place_buffers(plan_);
  return {};
}

Status Planner::no_memory() const {
  if (budget_.exceeded())
    return {StatusCode::too_large, "the network needs more memory than max_bytes allows"};
  return {StatusCode::out_of_memory, "the system has no memory for the network"};
}

Status Planner::make_buffer(const Value& value, int32_t block, int32_t border, int32_t& index) {
  Buffer& buffer = plan_.buffers[plan_.buffer_count];
  buffer.codes = value.codes;
  buffer.element_bytes = value.codes ? kernels_.code_bytes : 4;
  buffer.border = border;
  buffer.zero = value.codes ? value.grid.zero_point + 128 : 0;
  View& view = buffer.view;
  view.height = static_cast<int32_t>(value.height());
  view.width = static_cast<int32_t>(value.width());
  view.channels = static_cast<int32_t>(value.channels());
  view.block = block ? block : view.channels;
  const double width = view.width + 2.0 * border, height = view.height + 2.0 * border;
  const double all = width * height * view.block * view.blocks() * buffer.element_bytes;
  if (all > 1 << 30)
    return {StatusCode::too_large, "a value needs %.0f MB for each sample, more than 1024 MB",
            all / 1048576};
  view.row = (view.width + 2 * border) * int64_t{view.block};
  view.plane = view.row * (view.height + 2 * border);
  buffer.first_element = border * (view.row + view.block);
  buffer.bytes = (view.plane * view.blocks() * buffer.element_bytes + 63) / 64 * 64;
  view.sample = buffer.bytes / buffer.element_bytes;
  buffer.made_by = plan_.step_count;
  index = plan_.buffer_count++;
  return {};
}

Status Planner::in_layout(int32_t wanted, const Value& value, int32_t block, int32_t border,
                          int32_t& result) {
  const Buffer& have = buffer(wanted);
  const int32_t needed = block ? block : have.view.channels;
  result = wanted;
  if (have.view.block == needed && have.border >= border) return {};
  const Status status = make_buffer(value, needed, border, result);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::convert, wanted, result);
  step.scale = 0;  // elements are copied
  step.operation = -1;
  return {};
}

Step& Planner::add_step(StepKind kind, int32_t input, int32_t output) {
  Step& step = plan_.steps[plan_.step_count];
  step.kind = kind;
  step.input = input;
  step.second = -1;
  step.output = output;
  step.groups = 1;
  step.codes = buffer(input).codes;
  buffer(output).made_by = plan_.step_count;
  ++plan_.step_count;
  return step;
}

Status Planner::plan_operation(const Operation& o) {
  switch (o.kind) {
    case OperationKind::convolution:
    case OperationKind::linear:
      return plan_layer(o);
    case OperationKind::max_pool:
    case OperationKind::average_pool:
    case OperationKind::global_average_pool:
      return plan_pool(o);
    case OperationKind::add:
      return plan_add(o);
    case OperationKind::concat:
      return plan_concat(o);
    case OperationKind::flatten:
    case OperationKind::reshape:
      return plan_reshape(o);
    case OperationKind::activation:
      return plan_activation(o);
    case OperationKind::convert:
      return plan_convert(o, 0, 0);
  }
  return {};
}

Status Planner::output_buffer(const Operation& o, int32_t block, int32_t& index) {
  const auto v = static_cast<size_t>(o.output);
  const Status status = make_buffer(graph_.values[v], block, values_.border[v], index);
  buffer_of_[v] = index;
  return status;
}

Status make_plan(const Graph& graph, WeightReader& weights, const PlanOptions& options,
                 Budget& budget, Plan& plan, bool& wide_weights) {
  wide_weights = false;
  return Planner(graph, weights, options, budget, plan, wide_weights).make();
}

}  // namespace espalier::runtime
