#pragma once

#include <cstdint>
#include <cstring>

/// Vectors of an instruction set, as GCC and Clang know them on every machine. Everything here is a
/// template of the instruction set's own type, which has internal linkage in each file, so no
/// function compiled for one instruction set can stand in for another's.
namespace espalier::runtime {

#define ESPALIER_INLINE inline __attribute__((always_inline))
#define ESPALIER_INLINE_LAMBDA __attribute__((always_inline))

template <typename Element, int count>
struct VectorOf {
  typedef Element Type __attribute__((vector_size(count * sizeof(Element))));
};

template <typename Isa>
struct Vectors {
  static constexpr int lanes = Isa::lanes;
  using Float = typename VectorOf<float, lanes>::Type;
  using Int = typename VectorOf<int32_t, lanes>::Type;
  using Long = typename VectorOf<int64_t, lanes>::Type;
  using Codes = typename VectorOf<typename Isa::Code, lanes>::Type;

  template <typename V>
  static ESPALIER_INLINE V load(const void* from) {
    V result;
    std::memcpy(&result, from, sizeof result);
    return result;
  }
  template <typename V>
  static ESPALIER_INLINE void store(void* to, const V& value) {
    std::memcpy(to, &value, sizeof value);
  }
  /// x in every lane. Adding to zeros would not do: 0 + x is not x where x is −0, so it is
  /// computed.
  static ESPALIER_INLINE Float broadcast(float x) { return x - Float{}; }
  static ESPALIER_INLINE Float limit(Float x, float low, float high) {
    x = x < low ? broadcast(low) : x;
    return x > high ? broadcast(high) : x;
  }
  /// The first elements of a vector, to and from memory that has no more.
  /// Not inline: what follows must stay in registers where vectors are whole.
  template <typename Element, typename Vector>
  static __attribute__((noinline)) void store_some(Element* to, const Vector& value,
                                                   int32_t count) {
    const auto* from = reinterpret_cast<const char*>(&value);
    auto* bytes = reinterpret_cast<char*>(to);
    copy_some<lanes* static_cast<int>(sizeof(Element))>(
        bytes, from, count * static_cast<int32_t>(sizeof(Element)));
  }
  template <typename Vector, typename Element>
  static ESPALIER_INLINE Vector load_some(const Element* from, int32_t count) {
    if (count >= lanes) return load<Vector>(from);
    Vector result{};
    load_rest(&result, from, count);
    return result;
  }
  template <typename Vector, typename Element>
  static __attribute__((noinline)) void load_rest(Vector* to, const Element* from, int32_t count) {
    copy_some<lanes* static_cast<int>(sizeof(Element))>(
        reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from),
        count * static_cast<int32_t>(sizeof(Element)));
  }
  /// In pieces whose sizes the compiler knows: a call would take longer than the copy.
  template <int size>
  static ESPALIER_INLINE void copy_some(char* to, const char* from, int32_t bytes) {
    if (bytes >= size) {
      std::memcpy(to, from, size);
      return;
    }
    if constexpr (size > 1) copy_some<size / 2>(to, from, bytes & (size / 2) ? size / 2 : 0, bytes);
  }
  template <int size>
  static ESPALIER_INLINE void copy_some(char* to, const char* from, int32_t now, int32_t bytes) {
    if (now) {
      std::memcpy(to, from, size);
      to += size;
      from += size;
    }
    if constexpr (size > 1) copy_some<size / 2>(to, from, bytes & (size / 2) ? size / 2 : 0, bytes);
  }
  static ESPALIER_INLINE Int limit(Int x, int32_t low, int32_t high) {
    x = x < low ? Int{} + low : x;
    return x > high ? Int{} + high : x;
  }
  static ESPALIER_INLINE Int widen(Codes codes) { return __builtin_convertvector(codes, Int); }
  static ESPALIER_INLINE Codes narrow(Int codes) { return __builtin_convertvector(codes, Codes); }

  /// ⌊sum·factor·2^−shift + ½⌋ + zero, limited: fixed_point.h, lane by lane.
  static ESPALIER_INLINE Int requantize(Int sum, Int factor, Int shift, int32_t zero, int32_t low,
                                        int32_t high) {
    return finish(__builtin_convertvector(sum, Long) * __builtin_convertvector(factor, Long),
                  __builtin_convertvector(shift, Long), zero, low, high);
  }
  /// a·first + b·second with one shift, likewise.
  static ESPALIER_INLINE Int sum(Int a, int32_t first, Int b, int32_t second, int32_t shift,
                                 int32_t zero, int32_t low, int32_t high) {
    return finish(__builtin_convertvector(a, Long) * int64_t{first} +
                      __builtin_convertvector(b, Long) * int64_t{second},
                  Long{} + shift, zero, low, high);
  }
  /// Both for instruction sets with a way of their own that takes shifts from 32 on. Not inline:
  /// they would get in the way of what nearly always happens.
  static __attribute__((noinline)) Int requantize_any(Int sum, Int factor, Int shift, int32_t zero,
                                                      int32_t low, int32_t high) {
    return requantize(sum, factor, shift, zero, low, high);
  }
  static __attribute__((noinline)) Int sum_any(Int a, int32_t first, Int b, int32_t second,
                                               int32_t shift, int32_t zero, int32_t low,
                                               int32_t high) {
    return sum(a, first, b, second, shift, zero, low, high);
  }
  /// Of a product that is there already.
  static ESPALIER_INLINE Int finish(Long product, Long shift, int32_t zero, int32_t low,
                                    int32_t high) {
    const Long one = Long{} + 1;
    Long code = (product + (one << (shift - 1))) >> shift;
    // The limits apply to 64 bits: a large ratio may lead far beyond 32.
    const Long lowest = Long{} + (int64_t{low} - zero), highest = Long{} + (int64_t{high} - zero);
    code = code < lowest ? lowest : code;
    code = code > highest ? highest : code;
    return __builtin_convertvector(code, Int) + zero;
  }
};

}  // namespace espalier::runtime
