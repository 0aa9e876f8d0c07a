#include <cmath>
#include <cstring>

#include "espalier/compress/runtime/format/graph.h"

namespace espalier::runtime {
namespace {

const char* name_of(OperationKind kind) {
  static constexpr const char* names[operation_kinds] = {
      "convolution", "linear", "max pool", "average pool", "global average pool",
      "add",         "concat", "flatten",  "reshape",      "activation",
      "convert"};
  return names[static_cast<int>(kind)];
}

/// Reads one header into one graph.
class Reader {
 public:
  Reader(ByteReader header, Budget& budget, Graph& graph)
      : in_(header), budget_(budget), graph_(graph) {}

  Status read() {
    const uint32_t count = in_.varint();
    if (count == 0 || count > static_cast<uint32_t>(most_operations))
      return invalid("has %u operations; 1 to %d can be", count, most_operations);
    // Every operation takes at least two bytes, so a short header cannot ask for much memory.
    if (count > in_.left() / 2) return damaged();
    if (!graph_.values.allocate(budget_, count + size_t{1}) ||
        !graph_.operations.allocate(budget_, count)) {
      return no_memory();
    }
    Status status = read_input();
    if (!status.ok()) return status;
    // Inputs are pieces of one list; it is as long as the header at most.
    if (!graph_.inputs.allocate(budget_, in_.left() + count)) return no_memory();
    for (uint32_t i = 0; i < count; ++i) {
      index_ = static_cast<int>(i);
      status = read_operation(graph_.operations[i]);
      if (!status.ok()) return status;
      if (in_.failed()) return damaged();
    }
    if (in_.left() != 0) return invalid("has %zu bytes behind its last operation", in_.left());
    return {};
  }

 private:
  __attribute__((format(printf, 2, 3))) Status invalid(const char* format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (index_ < 0) return {StatusCode::invalid, "the header %s", text};
    const Operation& operation = graph_.operations[static_cast<size_t>(index_)];
    return {StatusCode::invalid,
            "operation %d (%s %.*s) %s",
            index_,
            name_of(operation.kind),
            static_cast<int>(operation.name_size > 40 ? 40 : operation.name_size),
            reinterpret_cast<const char*>(operation.name),
            text};
  }
  static Status damaged() { return {StatusCode::damaged, "the header ends too early"}; }
  Status no_memory() const {
    if (budget_.exceeded())
      return {StatusCode::too_large, "the header needs more memory than max_bytes allows"};
    return {StatusCode::out_of_memory, "the system has no memory for the header"};
  }

  Status read_extents(Value& value) {
    value.rank = in_.byte();
    if (value.rank < 1 || value.rank > 3) return invalid("has a shape of %d extents", value.rank);
    value.extents[0] = value.extents[1] = value.extents[2] = 1;
    int64_t size = 1;
    for (int i = 0; i < value.rank; ++i) {
      const int64_t extent = in_.varint();
      if (extent < 1 || extent > largest_extent)
        return invalid("has an extent of %lld", static_cast<long long>(extent));
      value.extents[i] = extent;
      size *= extent;
      if (size > largest_size) return invalid("has a shape that is too large");
    }
    return {};
  }

  /// A grid: scale, zero point, and unless all 256 codes are used the lowest and the highest.
  Status read_grid(bool full, Grid& grid) {
    grid.scale = in_.float32();
    grid.zero_point = in_.signed_byte();
    grid.lowest = full ? -128 : in_.signed_byte();
    grid.highest = full ? 127 : in_.signed_byte();
    if (!is_scale(grid.scale)) return invalid("has a scale that is not above 0 and finite");
    if (grid.lowest > grid.zero_point || grid.zero_point > grid.highest)
      return invalid("has the zero point %d outside of its codes", grid.zero_point);
    return {};
  }

  static bool is_scale(float scale) { return scale > 0 && std::isfinite(scale); }

  Status read_input() {
    Value& value = graph_.values[0];
    const uint8_t flags = in_.byte();  // 1 codes, 2 all 256 of them, 4 mean and deviation
    if (flags > 7) return invalid("has unknown flags for the input: %d", flags);
    Status status = read_extents(value);
    if (!status.ok()) return status;
    value.codes = flags & 1;
    if (value.codes) {
      status = read_grid(flags & 2, value.grid);
      if (!status.ok()) return status;
    }
    const auto channels = static_cast<size_t>(value.channels());
    // At least the deviations must be there before memory of their number is asked for.
    if (!(flags & 4)) return {};
    const uint32_t count = in_.varint();
    if (count != 1 && count != channels)
      return invalid("normalises %u channels of %zu", count, channels);
    if (in_.left() / 8 < count) return damaged();
    if (!graph_.mean.allocate(budget_, channels) || !graph_.deviation.allocate(budget_, channels))
      return no_memory();
    for (size_t c = 0; c < channels; ++c) {
      if (c < count) {
        graph_.mean[c] = in_.float32();
        graph_.deviation[c] = in_.float32();
        if (!std::isfinite(graph_.mean[c]) || !is_scale(graph_.deviation[c]))
          return invalid("has a normalisation that is not finite, or divides by 0");
      } else {
        graph_.mean[c] = graph_.mean[0];
        graph_.deviation[c] = graph_.deviation[0];
      }
    }
    return {};
  }

  Status read_operation(Operation& o) {
    // Kind in the lowest four bits; 16 and 32: codes, all of them used; 64: it has a name; 128:
    // inputs are listed, else there is one, the value before.
    const uint8_t first = in_.byte();
    o.kind = OperationKind::convolution;
    if ((first & 15) >= operation_kinds)
      return {StatusCode::unsupported_version, "operation %d is of the unknown kind %d", index_,
              first & 15};
    o.kind = static_cast<OperationKind>(first & 15);
    o.output = index_ + 1;
    Value& result = graph_.values[static_cast<size_t>(o.output)];
    if (first & 64) {
      o.name_size = in_.varint();
      const ByteReader name = in_.take(o.name_size);
      if (in_.failed()) return damaged();
      o.name = name.position();
    }
    Status status = read_inputs(o, (first & 128) != 0);
    if (!status.ok()) return status;
    status = read_attributes(o);
    if (!status.ok()) return status;
    result.codes = (first & 16) != 0;
    result.rank = 1;
    result.extents[0] = result.extents[1] = result.extents[2] = 1;
    status = derive(o, result);
    if (!status.ok()) return status;
    if (keeps_grid(o.kind)) {
      const Value& input = graph_.input(o);
      result.codes = input.codes;
      result.grid = input.grid;
      if (first & (16 | 32)) return invalid("has a grid of its own, but keeps that of its input");
      return check_arithmetic(o, result);
    }
    if (result.codes) {
      status = read_grid((first & 32) != 0, result.grid);
      if (!status.ok()) return status;
    }
    return check_arithmetic(o, result);
  }

  static bool keeps_grid(OperationKind kind) {
    return kind == OperationKind::max_pool || kind == OperationKind::flatten ||
           kind == OperationKind::reshape;
  }

  Status read_inputs(Operation& o, bool listed) {
    o.first_input = next_input_;
    const uint32_t count = listed ? in_.varint() : 1;
    if (count < 1 || count > static_cast<uint32_t>(most_inputs))
      return invalid("has %u inputs", count);
    const bool several = o.kind == OperationKind::add || o.kind == OperationKind::concat;
    if (!several && count != 1) return invalid("has %u inputs, not one", count);
    if (o.kind == OperationKind::add && count != 2) return invalid("has %u inputs, not two", count);
    if (count > graph_.inputs.size() - static_cast<size_t>(next_input_)) return damaged();
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t back = listed ? in_.varint() : 1;
      if (back < 1 || back > static_cast<uint32_t>(index_) + 1)
        return invalid("reads the result of an operation that does not come before it");
      graph_.inputs[static_cast<size_t>(next_input_++)] = index_ + 1 - static_cast<int32_t>(back);
    }
    o.input_count = static_cast<int32_t>(count);
    return {};
  }

  int32_t small(int64_t most) {
    const uint32_t value = in_.varint();
    return value > static_cast<uint32_t>(most) ? -1 : static_cast<int32_t>(value);
  }

  Status read_attributes(Operation& o) {
    o.kernel = o.stride = o.dilation = o.groups = 1;
    o.padding = 0;
    switch (o.kind) {
      case OperationKind::convolution:
      case OperationKind::linear: {
        const Status status = read_weight(o);
        if (!status.ok()) return status;
        break;
      }
      case OperationKind::max_pool:
      case OperationKind::average_pool:
        o.kernel = small(4096);
        o.stride = small(4096);
        o.padding = small(4096);
        if (o.kernel < 1 || o.stride < 1 || o.padding < 0 || o.padding >= o.kernel)
          return invalid("has a window that cannot be");
        break;
      case OperationKind::add: {
        const uint8_t clamp = in_.byte();
        if (clamp > 2) return invalid("has the unknown clamp %d", clamp);
        o.clamp = static_cast<Clamp>(clamp);
        break;
      }
      case OperationKind::activation: {
        const uint8_t function = in_.byte();
        if (function >= functions)
          return {StatusCode::unsupported_version, "operation %d has the unknown function %d",
                  index_, function};
        o.function = static_cast<Function>(function);
        if (o.function == Function::leaky_relu) o.slope = in_.float32();
        if (!std::isfinite(o.slope)) return invalid("has a slope that is not finite");
        if (graph_.input(o).codes) {
          o.table = in_.take(256).position();
          if (in_.failed()) return damaged();
        }
        break;
      }
      default:
        break;
    }
    return {};
  }

  Status read_weight(Operation& o) {
    WeightInfo& w = o.weight;
    // Form in two bits, bias in two, clamp in two, 64: a scale for each output.
    const uint8_t flags = in_.byte();
    if ((flags & 3) > 2 || (flags >> 2 & 3) > 2 || (flags >> 4 & 3) > 2 || flags > 127)
      return invalid("has unknown flags for its weights: %d", flags);
    w.form = static_cast<WeightForm>(flags & 3);
    w.bias = static_cast<BiasForm>(flags >> 2 & 3);
    o.clamp = static_cast<Clamp>(flags >> 4 & 3);
    w.channel_scales = (flags & 64) != 0;
    w.outputs = in_.varint();
    w.kernel_height = w.kernel_width = 1;
    const Value& input = graph_.input(o);
    if (o.kind == OperationKind::convolution) {
      w.kernel_height = in_.varint();
      w.kernel_width = in_.varint();
      // One byte says that stride, dilation and groups are 1.
      const uint8_t plain = in_.byte();
      if (plain > 1) return invalid("has an unknown flag");
      o.padding = small(4096);
      if (!plain) {
        o.stride = small(4096);
        o.dilation = small(4096);
        o.groups = small(largest_extent);
      }
      if (o.padding < 0 || o.stride < 1 || o.dilation < 1 || o.groups < 1)
        return invalid("has a padding, stride, dilation or number of groups that cannot be");
      if (w.kernel_height < 1 || w.kernel_width < 1 || w.kernel_height > 4096 ||
          w.kernel_width > 4096)
        return invalid("has a kernel that cannot be");
      if (input.channels() % o.groups != 0 || w.outputs % o.groups != 0)
        return invalid("has %d groups, which do not divide its channels", o.groups);
    }
    if (w.outputs < 1 || w.outputs > largest_extent)
      return invalid("has %lld outputs", static_cast<long long>(w.outputs));
    w.inputs = input.channels() / o.groups;
    if (w.columns() > largest_extent * 16 || w.size() > largest_size)
      return invalid("has a weight that is too large");
    w.zero_index = -1;
    if (w.form == WeightForm::codes) {
      w.bits = in_.byte();
      if (w.bits > 8) return invalid("has codes of more than nine bits");
    } else if (w.form == WeightForm::codebook) {
      w.codebook_size = in_.byte() + 1;
      const uint8_t zero = in_.byte();  // 0: the first entry is 0; 1: none
      if (zero > 1) return invalid("has an unknown flag for its codebook");
      w.zero_index = zero == 0 ? 0 : -1;
      const int others = w.codebook_size - (zero == 0);
      while (1 << w.bits < others) ++w.bits;
    }
    if (input.codes && (w.form != WeightForm::codes || w.bias == BiasForm::values))
      return invalid("has float32 weights or biases, but its input are codes");
    return {};
  }

  /// How many windows fit; 0 if none does.
  static int64_t windows(int64_t extent, int64_t kernel, const Operation& o) {
    const int64_t reach = (kernel - 1) * o.dilation + 1, room = extent + 2 * int64_t{o.padding};
    return room < reach ? 0 : (room - reach) / o.stride + 1;
  }

  Status derive(const Operation& o, Value& result) {
    const Value& input = graph_.input(o);
    const auto picture = [&result](int64_t height, int64_t width, int64_t channels) {
      result.rank = 3;
      result.extents[0] = height;
      result.extents[1] = width;
      result.extents[2] = channels;
    };
    const auto vector = [&result](int64_t channels) {
      result.rank = 1;
      result.extents[0] = channels;
    };
    switch (o.kind) {
      case OperationKind::convolution:
      case OperationKind::max_pool:
      case OperationKind::average_pool: {
        if (input.rank != 3) return invalid("has an input that is not H×W×C");
        const bool pool = o.kind != OperationKind::convolution;
        const int64_t kernel_height = pool ? o.kernel : o.weight.kernel_height;
        const int64_t kernel_width = pool ? o.kernel : o.weight.kernel_width;
        const int64_t height = windows(input.height(), kernel_height, o);
        const int64_t width = windows(input.width(), kernel_width, o);
        if (height == 0 || width == 0) return invalid("has a window larger than its input");
        picture(height, width, pool ? input.channels() : o.weight.outputs);
        break;
      }
      case OperationKind::linear:
        if (input.rank != 1) return invalid("has an input that is not a vector");
        vector(o.weight.outputs);
        break;
      case OperationKind::global_average_pool:
        if (input.rank != 3) return invalid("has an input that is not H×W×C");
        vector(input.channels());
        break;
      case OperationKind::add:
        if (!same_extents(input, graph_.input(o, 1), 3))
          return invalid("adds two different shapes");
        copy_extents(input, result);
        break;
      case OperationKind::concat: {
        copy_extents(input, result);
        int64_t channels = input.channels();
        for (int i = 1; i < o.input_count; ++i) {
          const Value& next = graph_.input(o, i);
          if (next.rank != input.rank || !same_extents(input, next, input.rank - 1))
            return invalid("joins shapes that do not fit");
          channels += next.channels();
        }
        if (channels > largest_extent) return invalid("has too many channels");
        result.extents[result.rank - 1] = channels;
        break;
      }
      case OperationKind::flatten:
        vector(input.size());
        break;
      case OperationKind::reshape: {
        const Status status = read_extents(result);
        if (!status.ok()) return status;
        if (result.size() != input.size())
          return invalid("makes %lld elements of %lld", static_cast<long long>(result.size()),
                         static_cast<long long>(input.size()));
        break;
      }
      case OperationKind::activation:
      case OperationKind::convert:
        copy_extents(input, result);
        break;
    }
    if (result.size() > largest_size) return invalid("has a result that is too large");
    return {};
  }

  static void copy_extents(const Value& from, Value& to) {
    to.rank = from.rank;
    for (int i = 0; i < 3; ++i) to.extents[i] = from.extents[i];
  }
  static bool same_extents(const Value& a, const Value& b, int count) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < count; ++i) {
      if (a.extents[i] != b.extents[i]) return false;
    }
    return true;
  }

  /// Whether the kinds of inputs and result fit, and the ratios of scales can be computed with.
  Status check_arithmetic(const Operation& o, const Value& result) {
    const Value& input = graph_.input(o);
    for (int i = 1; i < o.input_count; ++i) {
      if (graph_.input(o, i).codes != input.codes) return invalid("mixes codes and float32");
    }
    if (o.has_weight()) {
      if (!input.codes && result.codes) return invalid("makes codes of float32");
      return {};  // the multipliers are checked with the scales
    }
    if (o.kind == OperationKind::convert) {
      if (!input.codes && !result.codes) return invalid("converts float32 to float32");
    } else if (input.codes != result.codes) {
      return invalid("changes between codes and float32");
    }
    if (!input.codes || !result.codes) return {};
    const double y = result.grid.scale;
    bool usable = true;
    if (o.kind == OperationKind::add) {
      usable = multiplier_pair(input.grid.scale / y, graph_.input(o, 1).grid.scale / y).shift != 0;
    } else if (o.kind == OperationKind::concat || o.kind == OperationKind::convert) {
      for (int i = 0; i < o.input_count; ++i)
        usable = usable && multiplier(graph_.input(o, i).grid.scale / y).shift != 0;
    } else if (o.kind == OperationKind::average_pool ||
               o.kind == OperationKind::global_average_pool) {
      const double count = o.kind == OperationKind::average_pool
                               ? static_cast<double>(o.kernel) * o.kernel
                               : static_cast<double>(input.height() * input.width());
      if (count > 4194304) return invalid("has a mean of too many pixels");
      usable = multiplier(input.grid.scale / (y * count)).shift != 0;
    }
    if (!usable) return invalid("has scales whose ratio cannot be computed with");
    return {};
  }

  ByteReader in_;
  Budget& budget_;
  Graph& graph_;
  int index_ = -1;
  int32_t next_input_ = 0;
};

}  // namespace

CodeRange code_range(const Grid& grid, Clamp clamp) {
  CodeRange range{grid.lowest, grid.highest};
  if (clamp == Clamp::none) return range;
  range.lowest = grid.zero_point;  // never below the lowest
  if (clamp == Clamp::relu6) {
    const double six = std::nearbyint(6.0 / grid.scale) + grid.zero_point;
    if (six < range.highest) range.highest = static_cast<int32_t>(six);
  }
  return range;
}

Status read_graph(ByteReader header, Budget& budget, Graph& graph) {
  return Reader(header, budget, graph).read();
}

}  // namespace espalier::runtime
