// Compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512vbmi where the
// compiler knows them. With ESPALIER_EMULATED_AVX512 whoever includes this file provides the
// instructions: tests run them on processors that have none.
#include "espalier/compress/runtime/kernels/kernels.h"

#if defined(__AVX512VNNI__) && defined(__AVX512VBMI__) && defined(__AVX512BW__) && \
    defined(__AVX512DQ__)
#include <immintrin.h>
#define ESPALIER_AVX512
#endif

#if defined(ESPALIER_AVX512) || defined(ESPALIER_EMULATED_AVX512)

#include <type_traits>

#include "espalier/compress/runtime/kernels/table.h"

namespace espalier::runtime {
namespace {

/// Vectors of sixteen. Codes are bytes without sign, weights bytes with sign: one instruction
/// (VNNI) multiplies four of them and adds the products to 32 bits, without saturation. Another
/// (VBMI) shuffles bytes out of 128.
struct Avx512 {
  static constexpr int lanes = 16, pixels = 12, run = 16;
  static constexpr int group = 4;
  static constexpr int window = 32, code_window = 128, code_pick_bytes = 1;
  using Code = uint8_t;
  using Weight = int8_t;
  using V = Vectors<Avx512>;

  static ESPALIER_INLINE __m512i load(const void* from) { return _mm512_loadu_si512(from); }
  static ESPALIER_INLINE __m512i four(const void* from) {
    int32_t all;
    std::memcpy(&all, from, sizeof all);
    return _mm512_set1_epi32(all);
  }
  static ESPALIER_INLINE __m512i load_weights(const int8_t* w) { return load(w); }
  static ESPALIER_INLINE __m512i broadcast_weights(const int8_t* w) { return four(w); }
  static ESPALIER_INLINE __m512i load_codes(const uint8_t* x) { return load(x); }
  static ESPALIER_INLINE __m512i broadcast_codes(const uint8_t* x) { return four(x); }
  static ESPALIER_INLINE V::Int dot(V::Int sum, __m512i x, __m512i w) {
    return (V::Int)_mm512_dpbusd_epi32((__m512i)sum, x, w);
  }

  /// The even and the odd lanes as products of 64 bits.
  static ESPALIER_INLINE V::Int requantize(V::Int sum, V::Int factor, V::Int shift, int32_t zero,
                                           int32_t low, int32_t high) {
    const __m512i s = (__m512i)sum, f = (__m512i)factor, n = (__m512i)shift;
    // Below 32 a result may have more than 32 bits.
    if (_mm512_cmplt_epi32_mask(n, _mm512_set1_epi32(32)) != 0)
      return V::requantize_any(sum, factor, shift, zero, low, high);
    const __m512i mask = _mm512_set1_epi64(0xFFFFFFFF);
    const __m512i even = half(_mm512_mul_epi32(s, f), _mm512_and_si512(n, mask));
    const __m512i odd = half(_mm512_mul_epi32(_mm512_srli_epi64(s, 32), _mm512_srli_epi64(f, 32)),
                             _mm512_srli_epi64(n, 32));
    return limited(even, odd, zero, low, high);
  }
  static ESPALIER_INLINE V::Int sum(V::Int a, int32_t first, V::Int b, int32_t second,
                                    int32_t shift, int32_t zero, int32_t low, int32_t high) {
    if (shift < 32) return V::sum_any(a, first, b, second, shift, zero, low, high);
    const __m512i va = (__m512i)a, vb = (__m512i)b, n = _mm512_set1_epi64(shift);
    const __m512i fa = _mm512_set1_epi32(first), fb = _mm512_set1_epi32(second);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(va, fa), _mm512_mul_epi32(vb, fb));
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(va, 32), fa),
                                         _mm512_mul_epi32(_mm512_srli_epi64(vb, 32), fb));
    return limited(half(even, n), half(odd, n), zero, low, high);
  }
  /// Even and odd lanes put together.
  static ESPALIER_INLINE V::Int limited(__m512i even, __m512i odd, int32_t zero, int32_t low,
                                        int32_t high) {
    __m512i code = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
    code = _mm512_add_epi32(code, _mm512_set1_epi32(zero));
    code = _mm512_max_epi32(code, _mm512_set1_epi32(low));
    return (V::Int)_mm512_min_epi32(code, _mm512_set1_epi32(high));
  }
  static ESPALIER_INLINE __m512i half(__m512i product, __m512i shift) {
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i rounding = _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one));
    return _mm512_srav_epi64(_mm512_add_epi64(product, rounding), shift);
  }

  struct FloatWindow {
    __m512 first, second;
  };
  static ESPALIER_INLINE FloatWindow float_window(const float* x) {
    return {_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16)};
  }
  static ESPALIER_INLINE V::Float pick(const FloatWindow& window, const uint8_t* picks) {
    const __m512i index =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(picks)));
    return (V::Float)_mm512_permutex2var_ps(window.first, index, window.second);
  }
  struct CodeWindow {
    __m512i first, second;
  };
  static ESPALIER_INLINE CodeWindow load_code_window(const uint8_t* x) {
    return {load(x), load(x + 64)};
  }
  static ESPALIER_INLINE __m512i pick_codes(const CodeWindow& window, const uint8_t* picks) {
    return _mm512_permutex2var_epi8(window.first, load(picks), window.second);
  }
};

}  // namespace

const Kernels* avx512_kernels() {
  static constexpr Kernels kernels = kernels_of<Avx512>("avx512");
#ifdef ESPALIER_EMULATED_AVX512
  return &kernels;
#else
  const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
  return has ? &kernels : nullptr;
#endif
}

}  // namespace espalier::runtime

#else

namespace espalier::runtime {
const Kernels* avx512_kernels() {
  return nullptr;
}
}  // namespace espalier::runtime

#endif
