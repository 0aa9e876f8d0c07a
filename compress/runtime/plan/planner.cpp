#include <limits>

#include "espalier/compress/runtime/plan/element_places.h"
#include "espalier/compress/runtime/plan/input.h"
#include "espalier/compress/runtime/plan/pack.h"
#include "espalier/compress/runtime/plan/phases.h"
#include "espalier/compress/runtime/plan/place_buffers.h"
#include "espalier/compress/runtime/plan/plan.h"
#include "espalier/compress/runtime/plan/value_uses.h"

namespace espalier::runtime {
namespace {

/// Below this share of kept weights (for codes: of kept groups) only those are visited. On the safe
/// side of where both ways take equally long with random masks: about half for convolutions, a
/// third for linear layers.
constexpr double sparse_conv_below = 0.4, sparse_linear_below = 0.25;
/// Smaller pictures have runs of pixels too short for sparse convolutions.
constexpr int64_t least_pixels = 16;

class Planner {
 public:
  Planner(const Graph& graph, WeightReader& weights, const PlanOptions& options, Budget& budget,
          Plan& plan, bool& wide_weights)
      : graph_(graph),
        weights_(weights),
        options_(options),
        budget_(budget),
        plan_(plan),
        kernels_(*plan.kernels),
        wide_weights_(wide_weights) {}

  Status make() {
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

 private:
  Status no_memory() const {
    if (budget_.exceeded())
      return {StatusCode::too_large, "the network needs more memory than max_bytes allows"};
    return {StatusCode::out_of_memory, "the system has no memory for the network"};
  }

  int32_t input_index(const Operation& o, int i) const {
    return runtime::input_index(graph_, o, i);
  }

  // ---- Buffers.

  /// `block` 0: all channels side by side.
  Status make_buffer(const Value& value, int32_t block, int32_t border, int32_t& index) {
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

  Buffer& buffer(int32_t index) { return plan_.buffers[index]; }
  int32_t input_buffer(const Operation& o, int i = 0) const {
    return buffer_of_[static_cast<size_t>(input_index(o, i))];
  }
  bool is_picture(const Operation& o) const {
    return picture_[static_cast<size_t>(input_index(o, 0))] != 0;
  }

  /// The buffer itself, or a copy of it in another layout. `block` 0: all channels.
  Status in_layout(int32_t wanted, const Value& value, int32_t block, int32_t border,
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

  // ---- Steps.

  Step& add_step(StepKind kind, int32_t input, int32_t output) {
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

  Status plan_operation(const Operation& o) {
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

  Status output_buffer(const Operation& o, int32_t block, int32_t& index) {
    const auto v = static_cast<size_t>(o.output);
    const Status status = make_buffer(graph_.values[v], block, values_.border[v], index);
    buffer_of_[v] = index;
    return status;
  }

  /// Pools keep the layout of their input.
  Status plan_pool(const Operation& o) {
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

  static void set_multiplier(Step& step, Multiplier by) {
    step.factor = by.factor;
    step.shift = by.shift;
  }
  static void set_grids(Step& step, const Grid& x, const Grid& y, Clamp clamp) {
    const CodeRange range = code_range(y, clamp);
    step.x_zero = x.zero_point + 128;
    step.y_zero = y.zero_point + 128;
    step.lowest = range.lowest + 128;
    step.highest = range.highest + 128;
  }
  static void set_limits(Step& step, Clamp clamp) {
    step.low = clamp == Clamp::none ? -std::numeric_limits<float>::infinity() : 0;
    step.high = clamp == Clamp::relu6 ? 6 : std::numeric_limits<float>::infinity();
  }

  Status plan_add(const Operation& o) {
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

  Status plan_concat(const Operation& o) {
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

  /// Input i of a conversion or a concatenation, into the result from a channel on.
  Status plan_convert(const Operation& o, int i, int32_t first_channel) {
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

  Status plan_reshape(const Operation& o) {
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

  Status plan_activation(const Operation& o) {
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

  // ---- Layers with weights.

  Status plan_layer(const Operation& o) {
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

  /// The sum that the result of this layer goes into and nothing else, if the sum's other part is
  /// there already in the same layout.
  const Operation* following_sum(const Layer& layer, int32_t block) {
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
  /// Which input of the sum is not the layer's; −1: both are.
  int other_part(const Operation& sum, const Operation& layer) const {
    const bool first = input_index(sum, 0) == layer.output,
               second = input_index(sum, 1) == layer.output;
    return first && second ? -1 : first ? 1 : 0;
  }

  /// The step of a layer with its result's buffer, and with a sum if one follows.
  Status layer_step(const Layer& layer, StepKind kind, int32_t from, int32_t block, int32_t groups,
                    Step*& step) {
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

  /// The step of a convolution that reads and makes pixels with all channels side by side, computed
  /// in so many parts.
  Status convolution_step(const Layer& layer, StepKind kind, int32_t groups, Step*& step) {
    const Operation& o = *layer.operation;
    int32_t from = -1;
    const Status status = in_layout(input_buffer(o), *layer.input, 0, o.padding, from);
    if (!status.ok()) return status;
    return layer_step(layer, kind, from, 0, groups, step);
  }

  Status plan_dense_conv(const Layer& layer) {
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

  /// Where windows begin, and how far they are apart.
  void set_windows(const Operation& o, const Buffer& from, Step& step) {
    const View& view = from.view;
    step.x_first = -o.padding * (view.row + view.block);
    step.x_row = o.stride * view.row;
    step.x_column = int64_t{o.stride} * view.block;
    const View& result = buffer(step.output).view;
    step.samples_are_columns = result.height == 1 && result.width == 1;
  }

  Status plan_depthwise(const Layer& layer) {
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

  /// The input of a strided convolution, sorted into phases; once for all that read it so.
  Status in_phases(const Layer& layer, int32_t block, int32_t& result) {
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

  Status plan_sparse_conv(const Layer& layer) {
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

  Status plan_dense_linear(const Layer& layer) {
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
    if (!runs ||
        !columns.allocate(budget_, static_cast<size_t>(count) * static_cast<size_t>(length)))
      return no_memory();
    for (int32_t r = 0; r < count; ++r)
      runs[r] = r / view.height * view.plane + r % view.height * view.row;
    find_columns(view, row, places, columns);
    step->runs = runs;
    return pack_dense(layer, {columns.data(), count, length}, kernels_, plan_.storage, *step)
               ? Status()
               : no_memory();
  }

  Status plan_sparse_linear(const Layer& layer) {
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

  const Graph& graph_;
  WeightReader& weights_;
  const PlanOptions& options_;
  Budget& budget_;
  Plan& plan_;
  const Kernels& kernels_;
  bool& wide_weights_;

  Array<int32_t> buffer_of_;  // by value; −1: none yet
  ValueUses values_;
  Array<uint8_t> picture_;  // whether a flattened value lies in the buffer as a picture
  struct Sorted {
    int32_t stride, buffer;
  };
  Array<Sorted> sorted_;  // by value: the phases that it was sorted into last; stride 0: none
  Array<uint8_t> fused_;  // whether an operation is done by a step before
};

}  // namespace

Status make_plan(const Graph& graph, WeightReader& weights, const PlanOptions& options,
                 Budget& budget, Plan& plan, bool& wide_weights) {
  wide_weights = false;
  return Planner(graph, weights, options, budget, plan, wide_weights).make();
}

}  // namespace espalier::runtime
