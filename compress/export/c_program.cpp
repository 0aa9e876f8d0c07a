#include "espalier/compress/export/c_program.h"

#include <algorithm>
#include <limits>

#include "espalier/compress/export/arena_plan.h"
#include "espalier/compress/export/integer_network.h"

namespace espalier::compress::c_code {
namespace {

using file::Network, file::Operation;

/// Sums of a convolution that are kept at a time: enough that the unpacking of a weight's place
/// costs little beside them, few enough for small memories.
constexpr int64_t sums_at_a_time = 128;
/// Below this many products in a row, going weight by weight over the picture is faster.
constexpr int64_t shortest_run = 16;
/// What happens before the first operation, and behind the last.
constexpr int before_all = -1, after_all = std::numeric_limits<int>::max();

template <class T>
const T* as(const Operation& operation) {
  return std::get_if<T>(&operation.what);
}

class Planner {
 public:
  explicit Planner(const Network& network) : network_(network), values_(network.values.size()) {
    require_integers(network);
    program_.tables = pixel_tables(network);
    for (int i = 0; i < count(); ++i) {
      for (const int input : operation(i).inputs) value(input).readers.push_back(i);
    }
    mark_scores();
  }

  Program plan() {
    assign_blocks();
    const bool as_codes = pixels_become_codes();
    if (as_codes) program_.steps.push_back({nullptr, "codes_of_pixels", {}, 0, 0, -1});
    for (int i = 0; i < count(); ++i) {
      if (moves_nothing(i)) continue;
      const bool pixels = !as_codes && value(operation(i).inputs[0]).block == 0;
      program_.steps.push_back(step(i, pixels));
    }
    place_all(as_codes);
    return std::move(program_);
  }

 private:
  struct Planned {
    std::vector<int> readers;  ///< operations
    int block = 0;             ///< of memory; that of the pixels is 0
    bool is_scores = false;    ///< this value is the network's result, in whatever shape
    bool transposed = false;   ///< flattened, but the elements are where they were
  };
  /// Values that begin at one address.
  struct Block {
    ArenaItem uses;  ///< the last is that of the newest value
    bool is_scores = false;
    int& last() { return uses.back().last; }
  };

  int count() const { return static_cast<int>(network_.operations.size()); }
  const Operation& operation(int i) const { return network_.operations[static_cast<size_t>(i)]; }
  Planned& value(int i) { return values_[static_cast<size_t>(i)]; }
  Extents shape(int i) const { return extents(network_.values[static_cast<size_t>(i)]); }
  const file::Grid& grid(int i) const { return *network_.values[static_cast<size_t>(i)].grid; }

  /// The result of the operation is its input's memory.
  bool moves_nothing(int i) {
    if (as<file::Reshape>(operation(i))) return true;
    if (!as<file::Flatten>(operation(i))) return false;
    const Extents x = shape(operation(i).inputs[0]);
    return x.channels == 1 || x.height * x.width == 1 || for_linear_alone(i);
  }
  bool for_linear_alone(int flatten) {
    const int output = operation(flatten).output;
    const auto& readers = value(output).readers;
    return !value(output).is_scores && std::all_of(readers.begin(), readers.end(), [&](int reader) {
      return as<file::Linear>(operation(reader)) != nullptr;
    });
  }

  /// Marks the last value, and what becomes it without being moved.
  void mark_scores() {
    values_.back().is_scores = true;
    for (int i = count() - 1; i >= 0; --i) {
      if (value(operation(i).output).is_scores && moves_nothing(i)) {
        value(operation(i).inputs[0]).is_scores = true;
      }
    }
  }

  /// The operation may write each element of its result over the block of its input.
  bool element_by_element(int i) const {
    const Operation& each = operation(i);
    if (const auto* pool = as<file::MaxPool>(each)) return pool->padding == 0;
    if (const auto* pool = as<file::AveragePool>(each)) return pool->padding == 0;
    return as<file::GlobalAveragePool>(each) || as<file::Add>(each) || as<file::Activation>(each) ||
           as<file::Convert>(each);
  }

  void assign_blocks() {
    blocks_.push_back({{{shape(0).size(), before_all, before_all}}, value(0).is_scores});
    read(0);
    for (int i = 0; i < count(); ++i) {
      const Operation& each = operation(i);
      Planned& result = value(each.output);
      const ArenaUse use{shape(each.output).size(), i, i};
      if (moves_nothing(i)) {
        result.block = value(each.inputs[0]).block;
        const Extents x = shape(each.inputs[0]);
        result.transposed = as<file::Flatten>(each) && x.channels > 1 && x.height * x.width > 1;
      } else if (const int over = written_over(i); over >= 0) {
        result.block = over;
        blocks_[static_cast<size_t>(over)].uses.push_back(use);
      } else {
        result.block = static_cast<int>(blocks_.size());
        blocks_.push_back({{use}, result.is_scores});
      }
      read(each.output);
    }
  }
  /// The block over whose last value the operation may write its result; −1: none.
  int written_over(int i) {
    if (!element_by_element(i) || value(operation(i).output).is_scores) return -1;
    for (const int input : operation(i).inputs) {
      const int block = value(input).block;
      // What is in the block of the pixels may be the caller's.
      if (block != 0 && blocks_[static_cast<size_t>(block)].last() == i) return block;
    }
    return -1;
  }
  /// A value's memory is needed until it is read for the last time.
  void read(int i) {
    const Planned& each = value(i);
    int& last = blocks_[static_cast<size_t>(each.block)].last();
    for (const int reader : each.readers) last = std::max(last, reader);
    if (each.is_scores) last = after_all;
  }

  /// Something reads the pixels that cannot take them through a table.
  bool pixels_become_codes() {
    if (value(0).is_scores) return true;
    const bool one_table = program_.tables.tables.size() == 1;
    for (int i = 0; i < count(); ++i) {
      if (moves_nothing(i)) continue;
      for (const int input : operation(i).inputs) {
        if (value(input).block != 0) continue;
        const bool convolution = as<file::Convolution>(operation(i));
        const bool linear = as<file::Linear>(operation(i));
        if (!(convolution || linear) || !(one_table || (convolution && input == 0))) return true;
      }
    }
    return false;
  }

  Step step(int i, bool pixels) {
    const Operation& each = operation(i);
    Step result;
    result.operation = &each;
    if (const auto* c = as<file::Convolution>(each)) {
      convolution(i, *c, pixels, result);
    } else if (const auto* l = as<file::Linear>(each)) {
      const auto row = l->weights.shape[1];
      result.weights = pack_weights(columns_in_memory(i, *l), row);
      result.kernel = result.weights.sparse() ? "linear_sparse"
                      : result.weights.bytes  ? "linear_bytes"
                                              : "linear_bits";
    } else if (as<file::MaxPool>(each)) {
      result.kernel = "max_pool";
    } else if (as<file::AveragePool>(each) || as<file::GlobalAveragePool>(each)) {
      result.kernel = "average_pool";
    } else if (as<file::Add>(each)) {
      result.kernel = "add";
    } else if (as<file::Concat>(each)) {
      result.kernel = "place";
    } else if (as<file::Flatten>(each)) {
      result.kernel = "flatten";
    } else if (as<file::Activation>(each)) {
      result.kernel = "look_up";
    } else {
      result.kernel = "convert";
    }
    if (pixels) result.kernel += "_of_pixels";
    return result;
  }

  void convolution(int i, const file::Convolution& c, bool pixels, Step& result) {
    const auto& s = c.weights.shape;
    const int64_t row = s[1] * s[2] * s[3];
    result.weights = pack_weights(c.weights.codes, row);
    const bool by_pixel = !pixels && !result.weights.sparse() && result.weights.fits_int8 &&
                          c.groups == 1 && c.dilation == 1 && s[2] * s[3] >= shortest_run;
    if (by_pixel) {
      result.kernel = "convolve_by_pixel";
      result.scratch_bytes = result.weights.bytes ? 0 : row;
      return;
    }
    result.kernel = "convolve_by_weight";
    if (result.weights.bytes) result.weights = pack_weights(c.weights.codes, row, false);
    const Extents y = shape(operation(i).output);
    const int64_t at_a_time = std::max<int64_t>(1, sums_at_a_time / y.width);
    const int64_t blocks = (y.height + at_a_time - 1) / at_a_time;
    result.rows = (y.height + blocks - 1) / blocks;
    result.scratch_bytes = 4 * (result.rows * y.width + result.weights.in_one_row);
  }

  /// The weights with their columns in the order in which the input lies in memory.
  std::vector<int16_t> columns_in_memory(int i, const file::Linear& linear) {
    const int input = operation(i).inputs[0];
    if (!value(input).transposed) return linear.weights.codes;
    const Extents x = picture_of(input);
    const int64_t pixels = x.height * x.width, row = x.size();
    std::vector<int16_t> codes(linear.weights.codes.size());
    for (size_t k = 0; k < codes.size(); ++k) {
      const auto column = static_cast<int64_t>(k) % row, start = static_cast<int64_t>(k) - column;
      const int64_t pixel = column / x.channels, channel = column % x.channels;
      codes[k] = linear.weights.codes[static_cast<size_t>(start + channel * pixels + pixel)];
    }
    return codes;
  }
  /// What a flattened value was before.
  Extents picture_of(int flat) const {
    for (const Operation& each : network_.operations) {
      if (each.output == flat) return shape(each.inputs[0]);
    }
    return shape(flat);
  }

  void place_all(bool as_codes) {
    std::vector<ArenaItem> items;
    std::vector<int> item_of(blocks_.size(), -1);
    for (size_t b = 0; b < blocks_.size(); ++b) {
      if (blocks_[b].is_scores || (b == 0 && !as_codes)) continue;
      item_of[b] = static_cast<int>(items.size());
      items.push_back(blocks_[b].uses);
    }
    std::vector<Step*> with_scratch;
    for (Step& each : program_.steps) {
      if (each.scratch_bytes == 0) continue;
      with_scratch.push_back(&each);
      const int i = static_cast<int>(each.operation - network_.operations.data());
      items.push_back({{each.scratch_bytes, i, i}});
    }
    const ArenaPlan plan = plan_arena(items);
    for (size_t k = 0; k < with_scratch.size(); ++k) {
      with_scratch[k]->scratch_offset = plan.offsets[items.size() - with_scratch.size() + k];
    }
    for (const Planned& each : values_) {
      const auto block = static_cast<size_t>(each.block);
      Place place;
      if (blocks_[block].is_scores) {
        place.where = Place::Where::scores;
      } else if (item_of[block] < 0) {
        place.where = Place::Where::pixels;
      } else {
        place.offset = plan.offsets[static_cast<size_t>(item_of[block])];
      }
      program_.places.push_back(place);
    }
    program_.arena_bytes = plan.bytes;
  }

  const Network& network_;
  std::vector<Planned> values_;
  std::vector<Block> blocks_;
  Program program_;
};

}  // namespace

Program c_program(const Network& network) {
  return Planner(network).plan();
}

}  // namespace espalier::compress::c_code
