#pragma once

#include <cstdint>
#include <cstring>

#include "espalier/compress/runtime/format/graph.h"
#include "espalier/compress/runtime/format/weight_model.h"

/// The order in which the numbers of a layer stand in the stream. Written once for both directions:
/// with an encoder the numbers are read from `WeightData`, with a decoder they are filled in.
namespace espalier::runtime {

/// The numbers of one layer; which of them there are says its `WeightInfo`.
struct WeightData {
  Array<float> values;       ///< weights, all of them
  Array<int16_t> codes;      ///< likewise
  Array<uint8_t> indices;    ///< likewise
  Array<float> codebook;     ///< for indices
  Array<float> scales;       ///< of codes: one or one per output
  Array<float> bias_values;  ///< one per output
  Array<int32_t> bias_codes;
  float bias_scale = 0;  ///< of codes beside a float32 input; −1: they need none

  /// Of the right sizes. `bias_has_scale`: the layer's input is float32.
  [[nodiscard]] bool allocate(Budget& budget, const WeightInfo& w, bool bias_has_scale);
};

/// What a number is stored for.
enum class Purpose { positions, values, rest };

/// Where the columns of an operation's weight lie in the picture it looks at.
WeightGeometry weight_geometry(const Graph& graph, const Operation& operation);

/// The operation with weights that makes the channels that this one reads, with nothing between
/// that mixes channels; −1: there is none.
int channel_maker(const Graph& graph, const Operation& operation);

/// Numbers that have no model of their own.
template <typename Coder>
class NumberCoder {
 public:
  explicit NumberCoder(Coder& coder) : coder_(coder) {}

  /// Bits that could be anything.
  uint32_t plain(uint32_t value, int bits) {
    uint32_t result = 0;
    for (int b = bits - 1; b >= 0; --b)
      result = result << 1 | static_cast<uint32_t>(coder_.bit(value >> b & 1, 1 << 15));
    return result;
  }

  /// A list of floats: sign and exponent are learned; of the mantissa those bits are left out that
  /// are 0 in all. Elements that are not wanted are left out.
  template <typename Skip>
  void floats(Array<float>& values, Skip&& wanted) {
    begin();
    int unused = 23;
    for (size_t i = 0; i < values.size(); ++i) {
      const uint32_t bits = bits_of(values[i]);
      while (unused > 0 && wanted(i) && bits & ((1u << unused) - 1)) --unused;
    }
    unused = static_cast<int>(plain(static_cast<uint32_t>(unused), 5));
    if (unused > 23) unused = 23;
    for (size_t i = 0; i < values.size() && !coder_.overrun(); ++i) {
      if (!wanted(i)) continue;
      const uint32_t bits = bits_of(values[i]);
      const uint32_t head = tree(bits >> 23, 9);
      const uint32_t rest = plain((bits & 0x7FFFFF) >> unused, 23 - unused);
      const uint32_t result = head << 23 | rest << unused;
      std::memcpy(&values[i], &result, sizeof result);
    }
  }

  /// A list of integers: the number of bits is learned, lowest bits that are 0 in all are left out.
  void integers(Array<int32_t>& values) {
    begin();
    int unused = 30;
    for (const int32_t value : values) {
      while (unused > 0 && magnitude(value) & ((1u << unused) - 1)) --unused;
    }
    unused = static_cast<int>(plain(static_cast<uint32_t>(unused), 5));
    for (size_t i = 0; i < values.size() && !coder_.overrun(); ++i) {
      const uint32_t size = magnitude(values[i]) >> unused;
      int width = 0;
      while (width < 31 && size >> width) ++width;
      width = static_cast<int>(tree(static_cast<uint32_t>(width), 5));
      uint32_t result = 0;
      bool negative = false;
      if (width > 0) {
        negative = plain(values[i] < 0, 1) != 0;
        result = 1u << (width - 1) | plain(size & ((1u << (width - 1)) - 1), width - 1);
      }
      // What does not fit is no file of ours; the limit keeps the arithmetic defined.
      const uint64_t shifted = uint64_t{result} << unused;
      const auto limited = static_cast<int32_t>(shifted > INT32_MAX ? INT32_MAX : shifted);
      values[i] = negative ? -limited : limited;
    }
  }

 private:
  void begin() {
    for (Counter& counter : counters_) counter = Counter();
  }
  static uint32_t bits_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - static_cast<uint32_t>(value) : static_cast<uint32_t>(value);
  }
  uint32_t tree(uint32_t value, int bits) {
    uint32_t node = 1;
    for (int b = bits - 1; b >= 0; --b) {
      const uint32_t p = counters_[node].probability();
      const int bit = coder_.bit(value >> b & 1, p < 32 ? 32 : p > 65504 ? 65504 : p);
      counters_[node].update(bit, 255);
      node = node * 2 + static_cast<uint32_t>(bit);
    }
    return node - (1u << bits);
  }

  Coder& coder_;
  Counter counters_[512];
};

/// Codes the numbers of one layer: scales, codebook, bias, then row by row the positions with their
/// values; float32 values follow all positions. `kept[o]` becomes the number of elements of output
/// o that are not 0; `alive` is that of the layer that makes the channels, or null.
template <typename Coder>
void code_weight(Coder& coder, WeightModel<Coder>& model, const WeightInfo& w,
                 const WeightGeometry& geometry, const int32_t* alive, WeightData& data,
                 Array<int32_t>& kept) {
  NumberCoder<Coder> numbers(coder);
  const auto every = [](size_t) { return true; };
  coder.begin(Purpose::rest);
  if (w.form == WeightForm::codes) numbers.floats(data.scales, every);
  if (w.form == WeightForm::codebook) {
    const int zero = w.zero_index;
    numbers.floats(data.codebook, [zero](size_t i) { return static_cast<int>(i) != zero; });
  }
  if (w.bias == BiasForm::values) numbers.floats(data.bias_values, every);
  if (w.bias == BiasForm::codes) {
    if (data.bias_scale >= 0) {
      uint32_t bits;
      std::memcpy(&bits, &data.bias_scale, sizeof bits);
      bits = numbers.plain(bits, 32);
      std::memcpy(&data.bias_scale, &bits, sizeof bits);
    }
    numbers.integers(data.bias_codes);
  }
  model.begin(geometry, alive);
  const int first = w.zero_index == 0 ? 1 : 0;  // of the codebook's entries that are not 0
  for (int64_t o = 0; o < geometry.rows && !coder.overrun(); ++o) {
    model.begin_row(o);
    for (int64_t j = 0; j < geometry.columns; ++j) {
      const auto i = static_cast<size_t>(o * geometry.columns + j);
      coder.begin(Purpose::positions);
      switch (w.form) {
        case WeightForm::values: {
          const int there = model.position(j, data.values[i] != 0);
          if (there) model.mark(j);
          // A decoder marks the place for the value that follows.
          if (there && data.values[i] == 0) data.values[i] = 1;
          break;
        }
        case WeightForm::codes:
          if (model.position(j, data.codes[i] != 0)) {
            coder.begin(Purpose::values);
            const int code = data.codes[i];
            data.codes[i] = static_cast<int16_t>(model.value(j, w.bits, code));
          }
          break;
        case WeightForm::codebook:
          if (model.position(j, data.indices[i] != w.zero_index)) {
            coder.begin(Purpose::values);
            const int index = model.index(j, w.bits, data.indices[i] - first) + first;
            data.indices[i] = static_cast<uint8_t>(index < w.codebook_size ? index : 0);
          }
          break;
      }
    }
    kept[static_cast<size_t>(o)] = model.row_total(o);
  }
  if (w.form == WeightForm::values) {
    coder.begin(Purpose::values);
    numbers.floats(data.values, [&data](size_t i) { return data.values[i] != 0; });
  }
}

}  // namespace espalier::runtime
