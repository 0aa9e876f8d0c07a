#pragma once

#include <cstddef>
#include <cstdint>

#include "espalier/compress/runtime/format/bit_model.h"
#include "espalier/compress/runtime/memory.h"

/// What is known about weights before they are seen. Where the zeros lie is no accident: inputs
/// that carry nothing (the border of a picture, a channel that died) have none but zeros in all
/// rows, and neighbours die together. The model looks at that; see docs/file-format.md.
namespace espalier::runtime {

/// How the columns of a weight, seen as a matrix with a row for each output, belong together.
struct WeightGeometry {
  int64_t rows = 0, columns = 0;
  int64_t channels = 1;        ///< of the input
  bool channels_inner = true;  ///< channel = column mod channels, else column / (columns/channels)
  int64_t step = 0;            ///< from a column to the one that is a pixel to the right; 0: none
  int64_t line = 0;            ///< from a column to the one a line below; 0: none
};

/// Codes bits with `Coder::bit(bit, probability)`, which returns the bit: a decoder that finds it,
/// or an encoder that writes the one it is given. So both follow the same course.
template <typename Coder>
class WeightModel {
 public:
  explicit WeightModel(Coder& coder) : coder_(coder) {}

  /// Memory for weights of at most so many rows and columns.
  [[nodiscard]] bool reserve(Budget& budget, int64_t rows, int64_t columns) {
    return column_.allocate(budget, static_cast<size_t>(columns)) &&
           column_count_.allocate(budget, static_cast<size_t>(columns)) &&
           channel_.allocate(budget, static_cast<size_t>(columns)) &&
           block_count_.allocate(budget, static_cast<size_t>(columns)) &&
           row_.allocate(budget, static_cast<size_t>(columns)) &&
           row_total_.allocate(budget, static_cast<size_t>(rows));
  }

  /// Begins a weight. `alive[c]`, one for each channel, counts what is kept of the weights that
  /// make the channel; null where that is not known.
  void begin(const WeightGeometry& geometry, const int32_t* alive) {
    geometry_ = geometry;
    alive_ = alive;
    const auto columns = static_cast<size_t>(geometry.columns);
    for (size_t j = 0; j < columns; ++j) {
      column_[j] = Counter();
      channel_[j] = Counter();
      column_count_[j] = 0;
      row_[j] = 0;
    }
    for (int64_t o = 0; o < geometry.rows; ++o) row_total_[static_cast<size_t>(o)] = 0;
    for (Counter& c : around_) c = Counter();
    for (Counter& c : near_) c = Counter();
    for (Counter& c : block_) c = Counter();
    for (Counter& c : alive_counter_) c = Counter();
    for (Counter& c : sign_) c = Counter();
    for (Counter& c : sign_here_) c = Counter();
    for (Counter& c : size_) c = Counter();
    for (Counter& c : size_near_) c = Counter();
    for (auto& m : position_mixer_) m = {};
    for (auto& m : sign_mixer_) m = {};
    for (auto& m : size_mixer_) m = {};
    last_ = 0;
  }

  void begin_row(int64_t row) {
    row_index_ = row;
    row_counter_ = Counter();
    for (int64_t c = 0; c < geometry_.channels; ++c) block_count_[static_cast<size_t>(c)] = 0;
  }

  /// Whether the element is not 0.
  int position(int64_t column, int kept) {
    const auto j = static_cast<size_t>(column);
    const auto c = static_cast<size_t>(channel_of(column));
    const int left = flag(column - geometry_.step, geometry_.step);
    const int up = flag(column - geometry_.line, geometry_.line);
    const int above = row_[j] != 0;
    above_ = row_[j];
    int neighbours = 0;  // kept in the rows before, in the columns beside this one
    if (geometry_.step)
      neighbours += count(column - geometry_.step) + count(column + geometry_.step);
    if (geometry_.line)
      neighbours += count(column - geometry_.line) + count(column + geometry_.line);
    const int here = level(column_count_[j]);
    Counter* counters[6] = {
        &column_[j],
        &row_counter_,
        &around_[(here * levels + level(neighbours)) * 4 + level4(row_index_)],
        &near_[((left * 2 + up) * 2 + above) * 4 + (here < 3 ? here : 3)],
        &channel_[c],
        alive_ ? &alive_counter_[level(alive_[c]) * 4 + (block_count_[c] < 3 ? block_count_[c] : 3)]
               : &block_[block_count_[c] < 7 ? block_count_[c] : 7],
    };
    const int selected = here < 3 ? here : 3;
    const int bit = mixed(position_mixer_[selected], counters, kept, 1020);
    row_[j] = 0;
    if (bit) {
      ++column_count_[j];
      ++row_total_[static_cast<size_t>(row_index_)];
      ++block_count_[c];
    }
    return bit;
  }

  /// The sign and the magnitude, 1 to 2^bits, of a code that is not 0. `bits` ≤ 8.
  int value(int64_t column, int bits, int code) {
    const auto j = static_cast<size_t>(column);
    const int left = sign_of(column - geometry_.step, geometry_.step);
    const int up = sign_of(column - geometry_.line, geometry_.line);
    const int above = above_ < 0 ? 1 : above_ > 0 ? 2 : 0;
    Counter* counters[2] = {&sign_[last_ < 0   ? 1
                                   : last_ > 0 ? 2
                                               : 0],
                            &sign_here_[(left * 3 + up) * 3 + above]};
    const int negative = mixed(sign_mixer_[0], counters, code < 0, 255);
    const int magnitude = 1 + tree(bits, (code < 0 ? -code : code) - 1);
    const int result = negative ? -magnitude : magnitude;
    row_[j] = static_cast<int16_t>(result);
    last_ = result;
    return result;
  }

  /// An index from 0 to 2^bits − 1 of an element that is not 0.
  int index(int64_t column, int bits, int wanted) {
    const int result = tree(bits, wanted);
    row_[static_cast<size_t>(column)] = static_cast<int16_t>(result + 1);
    last_ = result + 1;
    return result;
  }
  /// Notes an element whose value is coded in another way.
  void mark(int64_t column) { row_[static_cast<size_t>(column)] = 1; }

  /// Kept elements of the row so far.
  int32_t row_total(int64_t row) const { return row_total_[static_cast<size_t>(row)]; }

 private:
  static constexpr int levels = 12;

  /// Counts in steps that grow: 0, 1, 2, 3, 4, 5–6, 7–9, … .
  static int level(int32_t n) {
    static constexpr int32_t above[levels - 1] = {1, 2, 3, 4, 5, 7, 10, 15, 25, 50, 120};
    int result = 0;
    while (result < levels - 1 && n >= above[result]) ++result;
    return result;
  }
  static int level4(int64_t row) { return row < 4 ? 0 : row < 16 ? 1 : row < 64 ? 2 : 3; }

  int64_t channel_of(int64_t column) const {
    return geometry_.channels_inner ? column % geometry_.channels
                                    : column / (geometry_.columns / geometry_.channels);
  }
  int count(int64_t column) const {
    return column < 0 || column >= geometry_.columns ? 0
                                                     : column_count_[static_cast<size_t>(column)];
  }
  int flag(int64_t column, int64_t step) const {
    return step && column >= 0 && row_[static_cast<size_t>(column)] != 0;
  }
  int sign_of(int64_t column, int64_t step) const {
    if (!step || column < 0) return 0;
    const int value = row_[static_cast<size_t>(column)];
    return value < 0 ? 1 : value > 0 ? 2 : 0;
  }

  int tree(int bits, int wanted) {
    const int size = last_ < 0 ? -last_ : last_;
    int width = 0;
    while (size >> width) ++width;
    int node = 1;
    for (int b = bits - 1; b >= 0; --b) {
      Counter* counters[2] = {&size_[node], &size_near_[(node < 64 ? node : 0) * 10 + width]};
      const int bit = mixed(size_mixer_[0], counters, wanted >> b & 1, 1020);
      node = node * 2 + bit;
    }
    return node - (1 << bits);
  }

  template <int n>
  int mixed(Mixer<n>& mixer, Counter* (&counters)[n], int wanted, int limit) {
    int logits[n];
    for (int i = 0; i < n; ++i) logits[i] = logistic_.stretch(counters[i]->probability());
    const int bit = coder_.bit(wanted, mixer.mix(logits));
    mixer.update(logits, bit);
    for (Counter* counter : counters) counter->update(bit, limit);
    return bit;
  }

  Coder& coder_;
  Logistic logistic_;
  WeightGeometry geometry_;
  const int32_t* alive_ = nullptr;
  int64_t row_index_ = 0;
  int last_ = 0;   // the value before
  int above_ = 0;  // the value in the row before

  Array<Counter> column_, channel_;
  Array<int32_t> column_count_, block_count_, row_total_;
  Array<int16_t> row_;  // the row before, and from the column on which is coded this one
  Counter row_counter_, around_[levels * levels * 4], near_[32], block_[8],
      alive_counter_[levels * 4];
  Counter sign_[3], sign_here_[27], size_[256], size_near_[640];
  Mixer<6> position_mixer_[4];
  Mixer<2> sign_mixer_[1], size_mixer_[1];
};

}  // namespace espalier::runtime
