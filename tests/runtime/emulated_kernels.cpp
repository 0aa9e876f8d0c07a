#include "runtime/emulated_kernels.h"

#include <cstring>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

// What SIMDe 0.7.4 of Debian 12 lacks.
template <typename Lane, int lanes>
struct Lanes {
  Lane at[lanes];
  template <typename Vector>
  explicit Lanes(const Vector& from) {
    static_assert(sizeof(Vector) == sizeof at);
    std::memcpy(at, &from, sizeof at);
  }
  __m512i vector() const {
    __m512i result;
    static_assert(sizeof result == sizeof at);
    std::memcpy(&result, at, sizeof result);
    return result;
  }
};
static unsigned emulated_cmplt_epi32_mask(__m512i a, __m512i b) {
  const Lanes<int32_t, 16> x(a), y(b);
  unsigned mask = 0;
  for (int i = 0; i < 16; ++i) mask |= x.at[i] < y.at[i] ? 1u << i : 0;
  return mask;
}
static __m512i emulated_srav_epi64(__m512i a, __m512i counts) {
  Lanes<int64_t, 8> x(a);
  const Lanes<uint64_t, 8> n(counts);
  for (int i = 0; i < 8; ++i) x.at[i] >>= n.at[i] > 63 ? 63 : n.at[i];
  return x.vector();
}
static __m512i emulated_cvtepu8_epi32(__m128i a) {
  const Lanes<uint8_t, 16> bytes(a);
  Lanes<int32_t, 16> result{__m512i{}};
  for (int i = 0; i < 16; ++i) result.at[i] = bytes.at[i];
  return result.vector();
}
#define _mm512_cmplt_epi32_mask emulated_cmplt_epi32_mask
#define _mm512_srav_epi64 emulated_srav_epi64
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32

#define ESPALIER_EMULATED_AVX512
#define avx512_kernels emulated_avx512_kernels
#include "espalier/compress/runtime/kernels/avx512.cpp"

const espalier::runtime::Kernels& emulated_kernels() {
  return *espalier::runtime::emulated_avx512_kernels();
}
