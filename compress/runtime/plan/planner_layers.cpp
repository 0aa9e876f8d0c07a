#include "espalier/compress/runtime/plan/planner.h"

#include "espalier/compress/runtime/plan/element_places.h"
#include "espalier/compress/runtime/plan/phases.h"

namespace espalier::runtime {
namespace {

/// Below this share of kept weights (for codes: of kept groups) only those are visited. On the safe
/// side of where both ways take equally long with random masks: about half for convolutions, a
/// third for linear layers.
constexpr double sparse_conv_below = 0.4, sparse_linear_below = 0.25;
/// Smaller pictures have runs of pixels too short for sparse convolutions.
constexpr int64_t least_pixels = 16;

}  // namespace

Status Planner::plan_layer(const Operation& o) {
  WeightData data;
  Status status = weights_.read(o, data);
  if (!status.ok()) return status;
  if (too_wide(kernels_, data)) {
    wide_weights_ = true;
    return {};
  }
  const Value& input = graph_.input(o);
  const Value& output = graph_.output(o);
  Layer layer{&o, &data, &input, &output, input.codes, nullptr};
  Array<float> plain;
  if (!input.codes && !data.codes.empty()) {
    if (!plain.allocate(budget_, data.codes.size())) return no_memory();
    const auto columns = static_cast<size_t>(layer.columns());
    for (size_t i = 0; i < plain.size(); ++i) {
      plain[i] = static_cast<float>(data.codes[i]) *
                 data.scales[data.scales.size() == 1 ? 0 : i / columns];
    }
    layer.plain = plain.data();
  } else if (!input.codes) {
    layer.plain = data.values.data();
  }
  const int32_t group = input.codes ? kernels_.group : 1;
  const double density = group_density(layer, 1);
  plan_.weights += o.weight.size();
  plan_.kept += static_cast<int64_t>(density * static_cast<double>(o.weight.size()) + 0.5);

  if (o.kind == OperationKind::linear) {
    const bool has_kernel = !input.codes || kernels_.code_window > 0;
    const bool sparse = options_.sparse && has_kernel && density < sparse_linear_below;
    return sparse ? plan_sparse_linear(layer) : plan_dense_linear(layer);
  }
  if (o.groups > 1 && o.weight.inputs == 1 && o.weight.outputs == o.groups)
    return plan_depthwise(layer);
  const bool can = o.groups == 1 && (o.stride == 1 || can_be_sorted(graph_, o)) &&
                   output.height() * output.width() >= least_pixels;
  if (options_.sparse && can && group_density(layer, group) < sparse_conv_below)
    return plan_sparse_conv(layer);
  return plan_dense_conv(layer);
}

const Operation* Planner::following_sum(const Layer& layer, int32_t block) {
  const Operation& o = *layer.operation;
  const auto v = static_cast<size_t>(o.output);
  if (o.kind != OperationKind::convolution || values_.uses[v] != 1 ||
      layer.output->codes != layer.codes || v + 1 == graph_.values.size()) {
    return nullptr;
  }
  const Operation& user = graph_.operations[static_cast<size_t>(values_.user[v])];
  if (user.kind != OperationKind::add) return nullptr;
  const int32_t other = other_part(user, o);
  if (other < 0 || picture_[static_cast<size_t>(input_index(user, other))]) return nullptr;
  const int32_t there = input_buffer(user, other);
  if (there < 0) return nullptr;
  const Buffer& have = buffer(there);
  const int32_t needed = block ? block : have.view.channels;
  return have.view.block == needed &&
                 have.border == values_.border[static_cast<size_t>(user.output)]
             ? &user
             : nullptr;
}
int Planner::other_part(const Operation& sum, const Operation& layer) const {
  const bool first = input_index(sum, 0) == layer.output,
             second = input_index(sum, 1) == layer.output;
  return first && second ? -1 : first ? 1 : 0;
}

Status Planner::layer_step(const Layer& layer, StepKind kind, int32_t from, int32_t block,
                           int32_t groups, Step*& step) {
  const Operation& o = *layer.operation;
  const Operation* sum = following_sum(layer, block);
  int32_t to = -1;
  const Status status = output_buffer(sum ? *sum : o, block, to);
  if (!status.ok()) return status;
  step = &add_step(kind, from, to);
  step->operation = o.output - 1;
  step->groups = groups;
  if (sum) {
    fused_[static_cast<size_t>(sum->output) - 1] = 1;
    step->second = input_buffer(*sum, other_part(*sum, o));
  }
  const bool packed = pack_epilogue(layer, sum, graph_, kernels_, plan_.storage, *step);
  return packed ? Status() : no_memory();
}

Status Planner::convolution_step(const Layer& layer, StepKind kind, int32_t groups, Step*& step) {
  const Operation& o = *layer.operation;
  int32_t from = -1;
  const Status status = in_layout(input_buffer(o), *layer.input, 0, o.padding, from);
  if (!status.ok()) return status;
  return layer_step(layer, kind, from, 0, groups, step);
}

Status Planner::plan_dense_conv(const Layer& layer) {
  const Operation& o = *layer.operation;
  const WeightInfo& w = o.weight;
  Step* step = nullptr;
  const Status status = convolution_step(layer, StepKind::dense, o.groups, step);
  if (!status.ok()) return status;
  const Buffer& from = buffer(step->input);
  set_windows(o, from, *step);
  step->x_group = w.inputs;
  const View& view = from.view;
  // Taps beside each other are one run, if nothing lies between them.
  const bool joined = o.dilation == 1 && o.groups == 1;
  const auto count =
      static_cast<int32_t>(joined ? w.kernel_height : w.kernel_height * w.kernel_width);
  const auto length = static_cast<int32_t>(joined ? w.kernel_width * w.inputs : w.inputs);
  int64_t* runs = plan_.storage.allocate<int64_t>(static_cast<size_t>(count));
  Array<int32_t> columns;
  if (!runs || !columns.allocate(budget_, static_cast<size_t>(w.columns()))) return no_memory();
  for (int32_t r = 0; r < count; ++r) {
    const int64_t ky = joined ? r : r / w.kernel_width, kx = joined ? 0 : r % w.kernel_width;
    runs[r] = ky * o.dilation * view.row + kx * o.dilation * view.block;
  }
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<int32_t>(i);
  step->runs = runs;
  return pack_dense(layer, {columns.data(), count, length}, kernels_, plan_.storage, *step)
             ? Status()
             : no_memory();
}

void Planner::set_windows(const Operation& o, const Buffer& from, Step& step) {
  const View& view = from.view;
  step.x_first = -o.padding * (view.row + view.block);
  step.x_row = o.stride * view.row;
  step.x_column = int64_t{o.stride} * view.block;
  const View& result = buffer(step.output).view;
  step.samples_are_columns = result.height == 1 && result.width == 1;
}

Status Planner::plan_depthwise(const Layer& layer) {
  const Operation& o = *layer.operation;
  const WeightInfo& w = o.weight;
  Step* step = nullptr;
  const Status status = convolution_step(layer, StepKind::depthwise, 1, step);
  if (!status.ok()) return status;
  const Buffer& from = buffer(step->input);
  set_windows(o, from, *step);
  const View& view = from.view;
  int64_t* taps = plan_.storage.allocate<int64_t>(static_cast<size_t>(w.columns()));
  if (!taps || !pack_depthwise(layer, kernels_, plan_.storage, *step)) return no_memory();
  for (int64_t k = 0; k < w.columns(); ++k) {
    taps[k] =
        k / w.kernel_width * o.dilation * view.row + k % w.kernel_width * o.dilation * view.block;
  }
  step->runs = taps;
  step->run_count = static_cast<int32_t>(w.columns());
  return {};
}

Status Planner::in_phases(const Layer& layer, int32_t block, int32_t& result) {
  const Operation& o = *layer.operation;
  Sorted& known = sorted_[static_cast<size_t>(input_index(o, 0))];
  if (known.stride == o.stride) {
    result = known.buffer;
    return {};
  }
  int32_t from = -1;
  Status status = in_layout(input_buffer(o), *layer.input, block, 0, from);
  if (!status.ok()) return status;
  const SortedPicture sorted =
      sorted_picture(graph_, o, int64_t{buffer(from).view.blocks()} * block);
  status = make_buffer(sorted.value, block, sorted.border, result);
  if (!status.ok()) return status;
  Step& step = add_step(StepKind::convert, from, result);
  step.operation = -1;
  step.phases = o.stride;
  known = {o.stride, result};
  return {};
}

Status Planner::plan_sparse_conv(const Layer& layer) {
  const Operation& o = *layer.operation;
  const int32_t group = layer.codes ? kernels_.group : 1;
  const int32_t block = layer.output->codes ? group : 1;
  int32_t from = -1;
  Status status = o.stride > 1 ? in_phases(layer, group, from)
                               : in_layout(input_buffer(o), *layer.input, group, o.padding, from);
  if (!status.ok()) return status;
  Step* step = nullptr;
  status = layer_step(layer, StepKind::sparse_conv, from, block, 1, step);
  if (!status.ok()) return status;
  const View& view = buffer(step->input).view;
  // Sums of all pixels that are computed, and a last vector that is not full.
  const int64_t pixels = view.row / view.block * layer.output->height() + 64;
  step->scratch_plane = (pixels + 15) / 16 * 16;
  const int64_t bytes = step->scratch_plane * group * 4;
  if (bytes > plan_.scratch_bytes) plan_.scratch_bytes = bytes;
  ++plan_.sparse_steps;
  return pack_sparse_conv(layer, view, kernels_, plan_.storage, *step) ? Status() : no_memory();
}

Status Planner::plan_dense_linear(const Layer& layer) {
  const Operation& o = *layer.operation;
  const int32_t from = input_buffer(o);
  const View view = buffer(from).view;
  Array<int32_t> places;
  if (!places.allocate(budget_, static_cast<size_t>(layer.columns()))) return no_memory();
  find_places(view, is_picture(o), places);
  Step* step = nullptr;
  const Status status = layer_step(layer, StepKind::dense, from, 0, 1, step);
  if (!status.ok()) return status;
  step->samples_are_columns = true;
  // A run is a row of a plane; one run is all if nothing lies between rows.
  const bool one = buffer(from).border == 0;
  const int64_t row = int64_t{view.width} * view.block;
  const auto count = static_cast<int32_t>(one ? 1 : int64_t{view.blocks()} * view.height);
  const auto length = static_cast<int32_t>(one ? view.plane * view.blocks() : row);
  int64_t* runs = plan_.storage.allocate<int64_t>(static_cast<size_t>(count));
  Array<int32_t> columns;
  if (!runs || !columns.allocate(budget_, static_cast<size_t>(count) * static_cast<size_t>(length)))
    return no_memory();
  for (int32_t r = 0; r < count; ++r)
    runs[r] = r / view.height * view.plane + r % view.height * view.row;
  find_columns(view, row, places, columns);
  step->runs = runs;
  return pack_dense(layer, {columns.data(), count, length}, kernels_, plan_.storage, *step)
             ? Status()
             : no_memory();
}

Status Planner::plan_sparse_linear(const Layer& layer) {
  const int32_t from = input_buffer(*layer.operation);
  Array<int32_t> places;
  if (!places.allocate(budget_, static_cast<size_t>(layer.columns()))) return no_memory();
  find_places(buffer(from).view, is_picture(*layer.operation), places);
  Step* step = nullptr;
  const Status status = layer_step(layer, StepKind::sparse_linear, from, 0, 1, step);
  if (!status.ok()) return status;
  ++plan_.sparse_steps;
  return pack_sparse_linear(layer, places.data(), kernels_, budget_, plan_.storage, *step)
             ? Status()
             : no_memory();
}

}  // namespace espalier::runtime
