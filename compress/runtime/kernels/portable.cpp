#include <type_traits>

#include "espalier/compress/runtime/kernels/table.h"

namespace espalier::runtime {
namespace {

/// Any machine: vectors of four, which the compiler takes apart where there are none.
struct Portable {
  static constexpr int lanes = 4, pixels = 4, run = 8;
  static constexpr int group = 1;
  static constexpr int window = 64, code_window = 64, code_pick_bytes = 1;
  using Code = int16_t;
  using Weight = int16_t;
  using V = Vectors<Portable>;

  static V::Int load_weights(const int16_t* w) { return V::widen(V::load<V::Codes>(w)); }
  static V::Int broadcast_weights(const int16_t* w) { return V::Int{} + *w; }
  static V::Int load_codes(const int16_t* x) { return V::widen(V::load<V::Codes>(x)); }
  static V::Int broadcast_codes(const int16_t* x) { return V::Int{} + *x; }
  static V::Int dot(V::Int sum, V::Int x, V::Int w) { return sum + x * w; }
  static V::Int requantize(V::Int sum, V::Int factor, V::Int shift, int32_t zero, int32_t low,
                           int32_t high) {
    return V::requantize(sum, factor, shift, zero, low, high);
  }
  static V::Int sum(V::Int a, int32_t first, V::Int b, int32_t second, int32_t shift, int32_t zero,
                    int32_t low, int32_t high) {
    return V::sum(a, first, b, second, shift, zero, low, high);
  }

  static const float* float_window(const float* x) { return x; }
  static V::Float pick(const float* x, const uint8_t* picks) {
    return V::Float{x[picks[0]], x[picks[1]], x[picks[2]], x[picks[3]]};
  }
  static const int16_t* load_code_window(const int16_t* x) { return x; }
  static V::Int pick_codes(const int16_t* x, const uint8_t* picks) {
    return V::Int{x[picks[0]], x[picks[1]], x[picks[2]], x[picks[3]]};
  }
};

}  // namespace

const Kernels& portable_kernels() {
  static constexpr Kernels kernels = kernels_of<Portable>("portable");
  return kernels;
}

}  // namespace espalier::runtime
