#include "runtime/emulated_kernels.h"

#include <type_traits>

#include "espalier/compress/runtime/kernels/table.h"

namespace espalier::runtime {
namespace {

struct Emulated {
  static constexpr int lanes = 16, pixels = 12, run = 16;
  static constexpr int group = 4;
  static constexpr int window = 32, code_window = 128, code_pick_bytes = 1;
  using Code = uint8_t;
  using Weight = int8_t;
  using V = Vectors<Emulated>;

  struct Bytes {
    uint8_t at[64];
  };
  static Bytes load(const void* from) {
    Bytes result;
    std::memcpy(result.at, from, 64);
    return result;
  }
  static Bytes four(const void* from) {
    Bytes result;
    for (int i = 0; i < 16; ++i) std::memcpy(result.at + 4 * i, from, 4);
    return result;
  }
  static Bytes load_weights(const int8_t* w) { return load(w); }
  static Bytes broadcast_weights(const int8_t* w) { return four(w); }
  static Bytes load_codes(const uint8_t* x) { return load(x); }
  static Bytes broadcast_codes(const uint8_t* x) { return four(x); }
  static V::Int dot(V::Int sum, const Bytes& x, const Bytes& w) {
    for (int i = 0; i < 64; ++i) sum[i / 4] += x.at[i] * static_cast<int8_t>(w.at[i]);
    return sum;
  }
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
    V::Float result;
    for (int i = 0; i < 16; ++i) result[i] = x[picks[i] & 31];
    return result;
  }
  static const uint8_t* load_code_window(const uint8_t* x) { return x; }
  static Bytes pick_codes(const uint8_t* x, const uint8_t* picks) {
    Bytes result;
    for (int i = 0; i < 64; ++i) result.at[i] = x[picks[i] & 127];
    return result;
  }
};

}  // namespace
}  // namespace espalier::runtime

const espalier::runtime::Kernels& emulated_kernels() {
  static constexpr espalier::runtime::Kernels kernels =
      espalier::runtime::kernels_of<espalier::runtime::Emulated>("emulated");
  return kernels;
}
