#include <cmath>

#include "espalier/compress/runtime/plan/execute.h"
#include "espalier/compress/runtime/plan/input.h"

/// Functions of single elements, and what moves values between layouts and kinds. These are plain
/// loops: networks that are made to be fast have few of them.
namespace espalier::runtime {
namespace {

float value_of(Function function, float slope, float x) {
  switch (function) {
    case Function::relu:
      return x > 0 ? x : 0;
    case Function::relu6:
      return x > 0 ? (x < 6 ? x : 6) : 0;
    case Function::leaky_relu:
      return x > 0 ? x : slope * x;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::gelu:
      return 0.5f * x * (1 + std::erf(x * 0.70710678f));
    case Function::hardswish: {
      const float gate = x + 3;
      return x * (gate > 0 ? (gate < 6 ? gate : 6) : 0) / 6;
    }
  }
  return 0;
}

/// Reads and writes one element as the integer that is stored, or as a float.
struct Cell {
  int32_t bytes;

  int32_t code(const char* at) const {
    if (bytes == 1) return static_cast<uint8_t>(*at);
    int16_t wide;
    std::memcpy(&wide, at, sizeof wide);
    return wide;
  }
  void set_code(char* at, int32_t code) const {
    if (bytes == 1) {
      *at = static_cast<char>(code);
    } else {
      const auto wide = static_cast<int16_t>(code);
      std::memcpy(at, &wide, sizeof wide);
    }
  }
  static float value(const char* at) {
    float result;
    std::memcpy(&result, at, sizeof result);
    return result;
  }
  static void set_value(char* at, float value) { std::memcpy(at, &value, sizeof value); }
};

/// What becomes of an element on its way.
struct Conversion {
  const Step& step;
  bool from_codes, to_codes;
  Cell from, to;

  void operator()(const char* x, char* y) const {
    if (!from_codes && !to_codes) {
      std::memcpy(y, x, 4);
    } else if (!from_codes) {
      const Grid grid{step.scale, step.y_zero, step.lowest, step.highest};
      to.set_code(y, code_of(grid, Cell::value(x)));
    } else if (!to_codes) {
      Cell::set_value(y, step.scale * static_cast<float>(from.code(x) - step.x_zero));
    } else if (step.scale == 0) {
      to.set_code(y, from.code(x));
    } else {
      to.set_code(y, requantize(from.code(x) - step.x_zero, {step.factor, step.shift}, step.y_zero,
                                step.lowest, step.highest));
    }
  }
};

/// Calls visit(x, y) with the elements' numbers in both views, pixel by pixel.
template <typename Visit>
void each_element(const View& from, const View& to, int32_t first_channel, Visit&& visit) {
  for (int32_t y = 0; y < from.height; ++y) {
    for (int32_t x = 0; x < from.width; ++x) {
      for (int32_t c = 0; c < from.channels; ++c)
        visit(from.offset(y, x, c), to.offset(y, x, first_channel + c));
    }
  }
}

/// The same where only the order of the elements counts. `channels_first`: of the input, as
/// `flatten` reads it.
template <typename Visit>
void each_in_order(const View& from, const View& to, bool channels_first, Visit&& visit) {
  const int64_t pixels = int64_t{from.height} * from.width, size = pixels * from.channels;
  const int64_t row = int64_t{to.width} * to.channels;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t pixel = channels_first ? i % pixels : i / from.channels;
    const int64_t channel = channels_first ? i / pixels : i % from.channels;
    visit(from.offset(pixel / from.width, pixel % from.width, channel),
          to.offset(i / row, i % row / to.channels, i % to.channels));
  }
}

}  // namespace

void apply_function(const Plan& plan, const Step& step, const Arena& arena) {
  const Buffer& from = plan.buffers[step.input];
  const Buffer& to = plan.buffers[step.output];
  const Cell cell{from.element_bytes};
  for (int32_t n = 0; n < arena.samples; ++n) {
    const char* x = address(from, arena) + n * from.bytes;
    char* y = address(to, arena) + n * to.bytes;
    each_element(from.view, to.view, 0, [&](int64_t at, int64_t result) {
      const char* element = x + at * cell.bytes;
      char* place = y + result * cell.bytes;
      if (step.codes) {
        // What a kernel stored is a code; the mask only keeps a reader at ease.
        cell.set_code(place, step.table[cell.code(element) & 255]);
      } else {
        Cell::set_value(place, value_of(step.function, step.slope, Cell::value(element)));
      }
    });
  }
}

namespace {

/// As many bytes as move together, whatever is in them.
template <size_t size>
struct Bytes {
  char bytes[size];
};

/// From layout to layout: so many channels at a time, a word, along x, where one of the two is
/// contiguous.
template <typename Word>
void copy_layout(const View& from, const View& to, int32_t first_channel, int32_t together,
                 const char* source, char* target) {
  const auto* x = reinterpret_cast<const Word*>(source);
  auto* y = reinterpret_cast<Word*>(target);
  const int64_t from_step = from.block / together, to_step = to.block / together;
  for (int32_t row = 0; row < from.height; ++row) {
    for (int32_t c = 0; c < from.channels; c += together) {
      const Word* a = x + from.offset(row, 0, c) / together;
      Word* b = y + to.offset(row, 0, first_channel + c) / together;
      for (int32_t column = 0; column < from.width; ++column)
        b[column * to_step] = a[column * from_step];
    }
  }
}

/// The same where pixels have all their channels side by side in both.
void copy_pixels(const View& from, const View& to, int32_t first_channel, int32_t element_bytes,
                 const char* source, char* target) {
  const auto size = static_cast<size_t>(from.channels) * static_cast<size_t>(element_bytes);
  for (int32_t row = 0; row < from.height; ++row) {
    for (int32_t column = 0; column < from.width; ++column)
      std::memcpy(target + to.offset(row, column, first_channel) * element_bytes,
                  source + from.offset(row, column, 0) * element_bytes, size);
  }
}

/// How many channels lie side by side in both layouts wherever they begin: as many as 32 bits hold,
/// or less.
int32_t channels_together(const View& from, const View& to, int32_t first_channel,
                          int32_t element_bytes) {
  int32_t together = 4 / element_bytes;
  const auto fits = [&together](int32_t number) { return number % together == 0; };
  while (!(fits(from.block) && fits(to.block) && fits(from.channels) && fits(first_channel)))
    together /= 2;
  return together;
}

/// Each block of channels of a pixel, a word, into the phase of its row and column.
template <typename Word>
void sort_into_phases(const View& from, const View& to, int32_t phases, const char* source,
                      char* target) {
  const auto* x = reinterpret_cast<const Word*>(source);
  auto* y = reinterpret_cast<Word*>(target);
  const int32_t planes = from.blocks();
  for (int32_t plane = 0; plane < planes; ++plane) {
    for (int32_t row = 0; row < from.height; ++row) {
      const Word* a = x + (plane * from.plane + row * from.row) / from.block;
      for (int32_t phase = 0; phase < phases; ++phase) {
        const int64_t sorted = int64_t{row % phases * phases + phase} * planes + plane;
        Word* b = y + (sorted * to.plane + row / phases * to.row) / to.block;
        for (int32_t column = 0; column < to.width; ++column)
          b[column] = a[int64_t{column} * phases + phase];
      }
    }
  }
}

}  // namespace

void apply_conversion(const Plan& plan, const Step& step, const Arena& arena) {
  const Buffer& from = plan.buffers[step.input];
  const Buffer& to = plan.buffers[step.output];
  const Conversion convert{step, from.codes, to.codes, {from.element_bytes}, {to.element_bytes}};
  for (int32_t n = 0; n < arena.samples; ++n) {
    const char* x = address(from, arena) + n * from.bytes;
    char* y = address(to, arena) + n * to.bytes;
    if (step.phases > 0) {
      const int64_t word = int64_t{from.element_bytes} * from.view.block;
      const auto sort = word == 4   ? sort_into_phases<Bytes<4>>
                        : word == 2 ? sort_into_phases<Bytes<2>>
                                    : sort_into_phases<Bytes<1>>;
      sort(from.view, to.view, step.phases, x, y);
      continue;
    }
    if (from.codes == to.codes && step.scale == 0 && !step.flat) {
      const View &a = from.view, &b = to.view;
      if (a.block == a.channels && b.block == b.channels) {
        copy_pixels(a, b, step.first_channel, from.element_bytes, x, y);
        continue;
      }
      const int32_t together = channels_together(a, b, step.first_channel, from.element_bytes);
      const int32_t word = together * from.element_bytes;
      const auto copy = word == 4   ? copy_layout<Bytes<4>>
                        : word == 2 ? copy_layout<Bytes<2>>
                                    : copy_layout<Bytes<1>>;
      copy(a, b, step.first_channel, together, x, y);
      continue;
    }
    const auto visit = [&](int64_t at, int64_t result) {
      convert(x + at * from.element_bytes, y + result * to.element_bytes);
    };
    if (step.flat) {
      each_in_order(from.view, to.view, step.channels_first, visit);
    } else {
      each_element(from.view, to.view, step.first_channel, visit);
    }
  }
}

}  // namespace espalier::runtime
