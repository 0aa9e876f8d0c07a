// The vectors that the kernels work with, as long as the instruction set allows that the including
// file is compiled for. Everything in the `.inl` files has internal linkage and uses no function of
// the standard library that could be shared with other files: a shared inline function might be
// kept in the copy compiled for AVX-512 and called on a machine that has none.

#include <cstddef>
#include <cstdint>

namespace espalier::backend::simd {
namespace {

#if defined(__AVX512F__)
constexpr int64_t lanes = 16;
#elif defined(__AVX2__)
constexpr int64_t lanes = 8;
#else
constexpr int64_t lanes = 4;
#endif
typedef float Lanes __attribute__((vector_size(lanes * 4)));
typedef int32_t Bits
    __attribute__((vector_size(lanes * 4)));  // a comparison: −1 where it holds, else 0
typedef float Four __attribute__((vector_size(16)));
typedef float Two __attribute__((vector_size(8)));

// Unaligned access, spelt so that the compiler knows: one instruction each.
template <class Vector>
Vector load_as(const float* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}
template <class Vector>
void store_as(float* to, Vector value) {
  __builtin_memcpy(to, &value, sizeof(value));
}
Lanes load(const float* from) {
  return load_as<Lanes>(from);
}
void store(float* to, Lanes value) {
  store_as(to, value);
}
Four load4(const float* from) {
  return load_as<Four>(from);
}
void store4(float* to, Four value) {
  store_as(to, value);
}

int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

}  // namespace
}  // namespace espalier::backend::simd
