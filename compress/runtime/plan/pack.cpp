#include "espalier/compress/runtime/plan/pack.h"

#include <limits>

#include "espalier/compress/runtime/plan/phases.h"

namespace espalier::runtime {
namespace {

int32_t rounded_up(int64_t value, int32_t to) {
  return static_cast<int32_t>((value + to - 1) / to * to);
}

/// The weight of an output and a column, and whether it is there.
struct Element {
  const Layer& layer;

  float value(int64_t output, int64_t column) const {
    return layer.plain[output * layer.columns() + column];
  }
  int32_t code(int64_t output, int64_t column) const {
    return layer.data->codes[static_cast<size_t>(output * layer.columns() + column)];
  }
  bool kept(int64_t output, int64_t column) const {
    return layer.codes ? code(output, column) != 0 : value(output, column) != 0;
  }
  /// As the i-th element of packed memory.
  void put(void* memory, int64_t i, const Kernels& kernels, int64_t output, int64_t column) const {
    if (!layer.codes) {
      static_cast<float*>(memory)[i] = value(output, column);
    } else if (kernels.weight_bytes == 1) {
      static_cast<int8_t*>(memory)[i] = static_cast<int8_t>(code(output, column));
    } else {
      static_cast<int16_t*>(memory)[i] = static_cast<int16_t>(code(output, column));
    }
  }
};

int64_t weight_bytes(const Layer& layer, const Kernels& kernels) {
  return layer.codes ? kernels.weight_bytes : 4;
}

/// Columns in the order of their places, which are all different.
bool sort_by_place(const int32_t* places, Budget& budget, Array<int32_t>& order) {
  int32_t last = 0;
  for (size_t j = 0; j < order.size(); ++j) last = places[j] > last ? places[j] : last;
  Array<int32_t> at;  // the column at a place, plus 1
  if (!at.allocate(budget, static_cast<size_t>(last) + 1)) return false;
  for (size_t j = 0; j < order.size(); ++j)
    at[static_cast<size_t>(places[j])] = static_cast<int32_t>(j) + 1;
  size_t count = 0;
  for (const int32_t column : at) {
    if (column > 0) order[count++] = column - 1;
  }
  return true;
}

}  // namespace

bool too_wide(const Kernels& kernels, const WeightData& data) {
  if (kernels.weight_bytes > 1) return false;
  for (const int16_t code : data.codes) {
    if (code < -128 || code > 127) return true;
  }
  return false;
}

double group_density(const Layer& layer, int32_t group) {
  const WeightInfo& w = layer.operation->weight;
  const Element element{layer};
  int64_t alive = 0, groups = 0;
  for (int64_t o = 0; o < w.outputs; ++o) {
    for (int64_t tap = 0; tap < w.columns(); tap += w.inputs) {
      for (int64_t c = 0; c < w.inputs; c += group, ++groups) {
        for (int64_t i = c; i < c + group && i < w.inputs; ++i) {
          if (element.kept(o, tap + i)) {
            ++alive;
            break;
          }
        }
      }
    }
  }
  return static_cast<double>(alive) / static_cast<double>(groups);
}

bool pack_epilogue(const Layer& layer, const Operation* sum, const Graph& graph,
                   const Kernels& kernels, Storage& storage, Step& step) {
  const WeightData& data = *layer.data;
  const int64_t outputs = layer.operation->weight.outputs;
  step.outputs = static_cast<int32_t>(outputs / step.groups);
  step.padded_outputs = rounded_up(step.outputs, kernels.outputs_per_block);
  const auto padded = static_cast<size_t>(step.padded_outputs) * static_cast<size_t>(step.groups);
  Epilogue& e = step.epilogue;
  const Clamp clamp = layer.operation->clamp;
  const float infinity = std::numeric_limits<float>::infinity();
  e.low = clamp == Clamp::none ? -infinity : 0;
  e.high = clamp == Clamp::relu6 ? 6 : infinity;
  if (sum) {
    e.sum_low = sum->clamp == Clamp::none ? -infinity : 0;
    e.sum_high = sum->clamp == Clamp::relu6 ? 6 : infinity;
  }
  const auto place = [&step](int64_t o) {
    return static_cast<size_t>(o / step.outputs * step.padded_outputs + o % step.outputs);
  };
  if (!layer.codes) {
    auto* bias = storage.allocate<float>(padded);
    if (!bias) return false;
    for (int64_t o = 0; o < outputs; ++o) {
      const auto i = static_cast<size_t>(o);
      if (!data.bias_values.empty()) bias[place(o)] = data.bias_values[i];
      if (!data.bias_codes.empty())
        bias[place(o)] = static_cast<float>(data.bias_codes[i]) * data.bias_scale;
    }
    e.bias = bias;
    return true;
  }
  auto* bias = storage.allocate<int32_t>(padded);
  auto* factors = storage.allocate<int32_t>(padded);
  auto* shifts = storage.allocate<int32_t>(padded);
  auto* scales = storage.allocate<float>(padded);
  if (!bias || !factors || !shifts || !scales) return false;
  for (size_t i = 0; i < padded; ++i) shifts[i] = 32;
  const Grid& x = layer.input->grid;
  const Grid& y = layer.output->grid;
  for (int64_t o = 0; o < outputs; ++o) {
    int64_t weights = 0;
    for (int64_t j = 0; j < layer.columns(); ++j) weights += Element{layer}.code(o, j);
    const auto i = static_cast<size_t>(o);
    const int64_t own = data.bias_codes.empty() ? 0 : data.bias_codes[i];
    bias[place(o)] = static_cast<int32_t>(own - (x.zero_point + 128) * weights);
    const double scale =
        static_cast<double>(data.scales[data.scales.size() == 1 ? 0 : i]) * x.scale;
    if (layer.output->codes) {
      const Multiplier by = multiplier(scale / y.scale);
      factors[place(o)] = by.factor;
      shifts[place(o)] = by.shift;
    } else {
      scales[place(o)] = static_cast<float>(scale);
    }
  }
  e.code_bias = bias;
  e.factors = factors;
  e.shifts = shifts;
  e.scales = layer.output->codes ? nullptr : scales;
  if (!layer.output->codes) return true;
  const CodeRange range = code_range(y, clamp);
  e.zero = y.zero_point + 128;
  e.lowest = range.lowest + 128;
  e.highest = range.highest + 128;
  if (!sum) return true;
  const bool is_first = &graph.input(*sum, 0) == layer.output;
  const Value& other = graph.input(*sum, is_first ? 1 : 0);
  const Grid& total = graph.output(*sum).grid;
  const double scale = total.scale;
  const MultiplierPair by = multiplier_pair(y.scale / scale, other.grid.scale / scale);
  const CodeRange sums = code_range(total, sum->clamp);
  e.residual_zero = other.grid.zero_point + 128;
  e.sum_factor = by.first;
  e.residual_factor = by.second;
  e.sum_shift = by.shift;
  e.sum_zero = total.zero_point + 128;
  e.sum_lowest = sums.lowest + 128;
  e.sum_highest = sums.highest + 128;
  return true;
}

bool pack_dense(const Layer& layer, const RunColumns& runs, const Kernels& kernels,
                Storage& storage, Step& step) {
  const Element element{layer};
  const int32_t group = layer.codes ? kernels.group : 1, width = kernels.outputs_per_block;
  step.run_groups = (runs.length + group - 1) / group;
  step.run_count = runs.runs;
  const int64_t per_block = int64_t{runs.runs} * step.run_groups * group * width;
  const int64_t blocks = step.padded_outputs / width;
  step.weight_bytes = blocks * per_block * weight_bytes(layer, kernels);
  char* memory = storage.allocate<char>(static_cast<size_t>(step.weight_bytes * step.groups));
  if (!memory) return false;
  step.weights = memory;
  for (int32_t g = 0; g < step.groups; ++g) {
    char* packed = memory + g * step.weight_bytes;
    for (int32_t o = 0; o < step.outputs; ++o) {
      const int64_t block = o / width * per_block, lane = o % width;
      for (int32_t r = 0; r < runs.runs; ++r) {
        for (int32_t i = 0; i < runs.length; ++i) {
          const int32_t column = runs.columns[int64_t{r} * runs.length + i];
          if (column < 0) continue;
          const int64_t k = int64_t{r} * step.run_groups + i / group;
          element.put(packed, block + (k * width + lane) * group + i % group, kernels,
                      int64_t{g} * step.outputs + o, column);
        }
      }
    }
  }
  return true;
}

bool pack_depthwise(const Layer& layer, const Kernels& kernels, Storage& storage, Step& step) {
  const WeightInfo& w = layer.operation->weight;
  const int64_t stride = rounded_up(w.outputs, kernels.lanes), taps = w.columns();
  char* memory = storage.allocate<char>(static_cast<size_t>(taps * stride * 4));
  if (!memory) return false;
  for (int64_t k = 0; k < taps; ++k) {
    for (int64_t c = 0; c < w.outputs; ++c) {
      const Element element{layer};
      if (layer.codes) {
        reinterpret_cast<int32_t*>(memory)[k * stride + c] = element.code(c, k);
      } else {
        reinterpret_cast<float*>(memory)[k * stride + c] = element.value(c, k);
      }
    }
  }
  step.weights = memory;
  return true;
}

bool pack_sparse_conv(const Layer& layer, const View& view, const Kernels& kernels,
                      Storage& storage, Step& step) {
  const Operation& operation = *layer.operation;
  const WeightInfo& w = operation.weight;
  const Element element{layer};
  const int32_t group = layer.codes ? kernels.group : 1, stride = operation.stride;
  const int64_t planes = (w.inputs + group - 1) / group;  // of a phase
  // Twice over the weights: to count kept groups, and to write them.
  int32_t* starts = storage.allocate<int32_t>(static_cast<size_t>(w.outputs) + 1);
  if (!starts) return false;
  int32_t* offsets = nullptr;
  void* weights = nullptr;
  for (const bool writes : {false, true}) {
    int64_t count = 0;
    for (int64_t o = 0; o < w.outputs; ++o) {
      starts[o] = static_cast<int32_t>(count);
      for (int64_t c = 0; c < w.inputs; c += group) {
        for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
          for (int64_t kx = 0; kx < w.kernel_width; ++kx) {
            const int64_t column = (ky * w.kernel_width + kx) * w.inputs + c;
            const int64_t members = w.inputs - c < group ? w.inputs - c : group;
            bool kept = false;
            for (int64_t i = 0; i < members; ++i) kept = kept || element.kept(o, column + i);
            if (!kept) continue;
            if (writes) {
              const Phase y = phase_of(ky * operation.dilation - operation.padding, stride);
              const Phase x = phase_of(kx * operation.dilation - operation.padding, stride);
              const int64_t plane = (y.phase * stride + x.phase) * planes + c / group;
              offsets[count] = static_cast<int32_t>(plane * view.plane + y.shift * view.row +
                                                    x.shift * view.block);
              for (int64_t i = 0; i < members; ++i)
                element.put(weights, count * group + i, kernels, o, column + i);
            }
            ++count;
          }
        }
      }
    }
    starts[w.outputs] = static_cast<int32_t>(count);
    if (writes) break;
    // One more than there are: no address is null.
    offsets = storage.allocate<int32_t>(static_cast<size_t>(count) + 1);
    weights = storage.allocate<char>(
        static_cast<size_t>((count + 1) * group * weight_bytes(layer, kernels)));
    if (!offsets || !weights) return false;
  }
  step.starts = starts;
  step.offsets = offsets;
  step.weights = weights;
  return true;
}

bool pack_sparse_linear(const Layer& layer, const int32_t* places, const Kernels& kernels,
                        Budget& budget, Storage& storage, Step& step) {
  const Element element{layer};
  const int32_t lanes = kernels.lanes, window = layer.codes ? kernels.code_window : kernels.window;
  const int32_t group = layer.codes ? kernels.group : 1;
  const int32_t pick_bytes = layer.codes ? kernels.code_pick_bytes : 1;
  const int64_t columns = layer.columns(), blocks = (step.outputs + lanes - 1) / lanes;
  Array<int32_t> order;
  if (!order.allocate(budget, static_cast<size_t>(columns)) ||
      !sort_by_place(places, budget, order))
    return false;
  int32_t* begins = storage.allocate<int32_t>(static_cast<size_t>(blocks) + 1);
  Array<int64_t> next;  // of each lane: the first of its kept weights that no step has yet
  if (!begins || !next.allocate(budget, static_cast<size_t>(lanes))) return false;
  int32_t* windows = nullptr;
  uint8_t* picks = nullptr;
  void* weights = nullptr;
  // Once to count the steps and once to write them.
  for (const bool writes : {false, true}) {
    int64_t count = 0;
    for (int64_t block = 0; block < blocks; ++block) {
      begins[block] = static_cast<int32_t>(count);
      const int64_t first = block * lanes;
      const int64_t outputs = step.outputs - first < lanes ? step.outputs - first : lanes;
      const auto advance = [&](int64_t lane) {
        int64_t& i = next[static_cast<size_t>(lane)];
        while (i < columns && !element.kept(first + lane, order[static_cast<size_t>(i)])) ++i;
      };
      for (int64_t lane = 0; lane < outputs; ++lane) {
        next[static_cast<size_t>(lane)] = 0;
        advance(lane);
      }
      while (true) {
        // The window begins where the lane that is furthest behind goes on.
        int64_t behind = columns;
        for (int64_t lane = 0; lane < outputs; ++lane)
          behind =
              next[static_cast<size_t>(lane)] < behind ? next[static_cast<size_t>(lane)] : behind;
        if (behind == columns) break;
        const int32_t begin = places[order[static_cast<size_t>(behind)]];
        if (writes) windows[count] = begin;
        for (int64_t lane = 0; lane < outputs; ++lane) {
          for (int32_t i = 0; i < group; ++i) {
            const int64_t at = next[static_cast<size_t>(lane)];
            if (at == columns) break;
            const int32_t column = order[static_cast<size_t>(at)];
            const int32_t place = places[column] - begin;
            if (place >= window) break;
            if (writes) {
              const int64_t entry = (count * lanes + lane) * group + i;
              for (int32_t byte = 0; byte < pick_bytes; ++byte)
                picks[entry * pick_bytes + byte] = static_cast<uint8_t>(place * pick_bytes + byte);
              element.put(weights, entry, kernels, first + lane, column);
            }
            ++next[static_cast<size_t>(lane)];
            advance(lane);
          }
        }
        ++count;
      }
    }
    begins[blocks] = static_cast<int32_t>(count);
    if (writes) break;
    const auto entries = static_cast<size_t>((count + 1) * lanes * group);
    windows = storage.allocate<int32_t>(static_cast<size_t>(count) + 1);
    picks = storage.allocate<uint8_t>(entries * static_cast<size_t>(pick_bytes));
    weights = storage.allocate<char>(entries * static_cast<size_t>(weight_bytes(layer, kernels)));
    if (!windows || !picks || !weights) return false;
  }
  step.starts = begins;
  step.windows = windows;
  step.picks = picks;
  step.weights = weights;
  return true;
}

}  // namespace espalier::runtime
