// Compiled with -mavx2 -mfma where the compiler knows them.
#include "espalier/compress/runtime/kernels/kernels.h"

#ifdef __AVX2__
#include <immintrin.h>

#include <type_traits>

#include "espalier/compress/runtime/kernels/table.h"

namespace espalier::runtime {
namespace {

/// Vectors of eight. Codes are 16 bits wide: the instruction that multiplies bytes saturates, and
/// then sums would not be exact.
struct Avx2 {
  static constexpr int lanes = 8, pixels = 6, run = 12;
  static constexpr int group = 2;
  static constexpr int window = 8, code_window = 8, code_pick_bytes = 2;
  using Code = int16_t;
  using Weight = int16_t;
  using V = Vectors<Avx2>;

  static ESPALIER_INLINE __m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static ESPALIER_INLINE __m256i pair(const void* from) {
    int32_t both;
    std::memcpy(&both, from, sizeof both);
    return _mm256_set1_epi32(both);
  }
  static ESPALIER_INLINE __m256i load_weights(const int16_t* w) { return load(w); }
  static ESPALIER_INLINE __m256i broadcast_weights(const int16_t* w) { return pair(w); }
  static ESPALIER_INLINE __m256i load_codes(const int16_t* x) { return load(x); }
  static ESPALIER_INLINE __m256i broadcast_codes(const int16_t* x) { return pair(x); }
  static ESPALIER_INLINE V::Int dot(V::Int sum, __m256i x, __m256i w) {
    return sum + (V::Int)_mm256_madd_epi16(x, w);
  }

  /// The even and the odd lanes as products of 64 bits, of which the upper halves are shifted on:
  /// to round down twice is to round down once.
  static ESPALIER_INLINE V::Int requantize(V::Int sum, V::Int factor, V::Int shift, int32_t zero,
                                           int32_t low, int32_t high) {
    const __m256i s = (__m256i)sum, f = (__m256i)factor, n = (__m256i)shift;
    // Below 32 a result may have more than 32 bits.
    if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(_mm256_set1_epi32(32), n)) != 0)
      return V::requantize_any(sum, factor, shift, zero, low, high);
    const __m256i even = _mm256_mul_epi32(s, f);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(s, 32), _mm256_srli_epi64(f, 32));
    const __m256i mask = _mm256_set1_epi64x(0xFFFFFFFF);
    return limited(even, half(_mm256_and_si256(n, mask)), odd, half(_mm256_srli_epi64(n, 32)), n,
                   zero, low, high);
  }
  static ESPALIER_INLINE V::Int sum(V::Int a, int32_t first, V::Int b, int32_t second,
                                    int32_t shift, int32_t zero, int32_t low, int32_t high) {
    // Codes differ from zero points by 2^9 at most, so sums are below 2^41 and may be doubled until
    // the result begins at bit 32.
    constexpr int32_t least = 10;
    if (shift < least) return V::sum_any(a, first, b, second, shift, zero, low, high);
    const __m256i va = (__m256i)a, vb = (__m256i)b;
    const __m256i fa = _mm256_set1_epi32(first), fb = _mm256_set1_epi32(second);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(va, fa), _mm256_mul_epi32(vb, fb));
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(va, 32), fa),
                                         _mm256_mul_epi32(_mm256_srli_epi64(vb, 32), fb));
    const int32_t up = shift < 32 ? 32 - shift : 0;
    const __m128i doublings = _mm_cvtsi32_si128(up);
    const __m256i rounding = _mm256_set1_epi64x(int64_t{1} << (shift + up - 1));
    return limited(_mm256_sll_epi64(even, doublings), rounding, _mm256_sll_epi64(odd, doublings),
                   rounding, _mm256_set1_epi32(shift + up), zero, low, high);
  }
  /// Half of what a shift by n divides by.
  static ESPALIER_INLINE __m256i half(__m256i n) {
    const __m256i one = _mm256_set1_epi64x(1);
    return _mm256_sllv_epi64(one, _mm256_sub_epi64(n, one));
  }
  static ESPALIER_INLINE V::Int limited(__m256i even, __m256i even_half, __m256i odd,
                                        __m256i odd_half, __m256i shift, int32_t zero, int32_t low,
                                        int32_t high) {
    const __m256i upper = _mm256_srli_epi64(_mm256_add_epi64(even, even_half), 32);
    __m256i code = _mm256_blend_epi32(upper, _mm256_add_epi64(odd, odd_half), 0xAA);
    code = _mm256_srav_epi32(code, _mm256_sub_epi32(shift, _mm256_set1_epi32(32)));
    code = _mm256_add_epi32(code, _mm256_set1_epi32(zero));
    code = _mm256_max_epi32(code, _mm256_set1_epi32(low));
    return (V::Int)_mm256_min_epi32(code, _mm256_set1_epi32(high));
  }

  /// Windows twice as long would need a third fewer steps with every tenth weight kept, but two
  /// permutations and a choice in each.
  static ESPALIER_INLINE __m256 float_window(const float* x) { return _mm256_loadu_ps(x); }
  static ESPALIER_INLINE V::Float pick(__m256 window, const uint8_t* picks) {
    const __m256i index =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(picks)));
    return (V::Float)_mm256_permutevar8x32_ps(window, index);
  }
  static ESPALIER_INLINE __m256i load_code_window(const int16_t* x) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
  }
  static ESPALIER_INLINE __m256i pick_codes(__m256i window, const uint8_t* picks) {
    return _mm256_shuffle_epi8(window, load(picks));
  }
};

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kernels = kernels_of<Avx2>("avx2");
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels : nullptr;
}

}  // namespace espalier::runtime

#else

namespace espalier::runtime {
const Kernels* avx2_kernels() {
  return nullptr;
}
}  // namespace espalier::runtime

#endif
