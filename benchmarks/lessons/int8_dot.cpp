// Dot products of 8-bit codes in eight versions. Explained in docs/lessons/int8-dot-product.md.
//
//   lesson_int8_dot [--check]
//
// What a fully connected layer of an integer engine computes: y[r] = Σ_k x[k]·w[r,k] with
// activations x from 0 to 255 and weights w from −127 to 127. Integer sums have no rounding, so all
// versions must give the same bits.
#include <immintrin.h>

#include <cstdint>
#include <cstdlib>

#include "measure.h"

namespace {

#define AVX2 __attribute__((target("avx2,fma")))
#if defined(__clang__)
#define ONE_AT_A_TIME _Pragma("clang loop vectorize(disable) interleave(disable)")
#define SCALAR
#else
#define ONE_AT_A_TIME
#define SCALAR __attribute__((optimize("no-tree-vectorize")))
#endif

struct Problem {
  int rows, n;  // n a multiple of 64, rows of 4: remainders are no part of this lesson
};

// 1: one product after the other. The compiler is told not to do better.
SCALAR void one_at_a_time(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  for (int r = 0; r < s.rows; ++r) {
    int32_t sum = 0;
    ONE_AT_A_TIME
    for (int k = 0; k < s.n; ++k) sum += x[k] * w[r * s.n + k];
    y[r] = sum;
  }
}

// 2 and 3: the same. Integers may be added in any order, so the compiler uses vectors by itself.
inline __attribute__((always_inline)) void plain(const Problem& s, const uint8_t* x,
                                                 const int8_t* w, int32_t* y) {
  for (int r = 0; r < s.rows; ++r) {
    int32_t sum = 0;
    for (int k = 0; k < s.n; ++k) sum += x[k] * w[r * s.n + k];
    y[r] = sum;
  }
}
// 2: those of 16 bytes, which every x86-64 has.
void by_the_compiler(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  plain(s, x, w, y);
}
// 3: those of 32.
AVX2 void by_the_compiler_wider(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  plain(s, x, w, y);
}

// The sum of the eight numbers of a vector.
AVX2 inline __attribute__((always_inline)) int32_t sum_of(__m256i v) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
  return _mm_cvtsi128_si32(half);
}
AVX2 inline __attribute__((always_inline)) __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
// 16 codes from bytes to 16 bits each.
AVX2 inline __attribute__((always_inline)) __m256i widen(const uint8_t* from) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
AVX2 inline __attribute__((always_inline)) __m256i widen(const int8_t* from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// 4: codes are widened to 16 bits, for which there is an instruction that multiplies 16 pairs and
// adds neighbouring products, in 32 bits: 2·255·127 is far from too large.
AVX2 void widened(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  for (int r = 0; r < s.rows; ++r) {
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < s.n; k += 16) {
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(widen(x + k), widen(w + r * s.n + k)));
    }
    y[r] = sum_of(sum);
  }
}

// 5: the trap. One instruction multiplies 32 pairs of bytes and adds neighbours, but in 16 bits,
// and what does not fit is cut off: 255·127 + 255·127 = 64770 becomes 32767. With random codes this
// is rare enough to pass a careless test.
AVX2 void saturating(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int r = 0; r < s.rows; ++r) {
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < s.n; k += 32) {
      const __m256i pairs = _mm256_maddubs_epi16(load(x + k), load(w + r * s.n + k));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
    y[r] = sum_of(sum);
  }
}

// 6: the same instruction, made exact. x = 2·(x ≫ 1) + (x & 1), and both parts are small enough:
// 127·127·2 = 32258 still fits.
AVX2 void in_two_parts(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  const __m256i one = _mm256_set1_epi8(1), high_bits = _mm256_set1_epi8(127);
  const __m256i ones = _mm256_set1_epi16(1), twos = _mm256_set1_epi16(2);
  for (int r = 0; r < s.rows; ++r) {
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < s.n; k += 32) {
      const __m256i codes = load(x + k), weights = load(w + r * s.n + k);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 1), high_bits);
      const __m256i low = _mm256_and_si256(codes, one);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(high, weights), twos));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(low, weights), ones));
    }
    y[r] = sum_of(sum);
  }
}

// 7: four rows at a time, unrolled: activations that are loaded and widened serve four rows, and
// the four sums do not wait for one another.
AVX2 void four_rows(const Problem& s, const uint8_t* x, const int8_t* w, int32_t* y) {
  for (int r = 0; r < s.rows; r += 4) {
    __m256i sums[4] = {};
    for (int k = 0; k < s.n; k += 16) {
      const __m256i codes = widen(x + k);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const __m256i products = _mm256_madd_epi16(codes, widen(w + (r + i) * s.n + k));
        sums[i] = _mm256_add_epi32(sums[i], products);
      }
    }
    for (int i = 0; i < 4; ++i) y[r + i] = sum_of(sums[i]);
  }
}

// 8: weights widened once, when the network is loaded, and activations once for all rows: they take
// twice the memory, and the loop has nothing to do but multiply and add.
AVX2 void kept_wide(const Problem& s, const uint8_t* x, const int16_t* w, int16_t* wide_x,
                    int32_t* y) {
  for (int k = 0; k < s.n; k += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(wide_x + k), widen(x + k));
  }
  for (int r = 0; r < s.rows; r += 4) {
    __m256i sums[4] = {};
    for (int k = 0; k < s.n; k += 16) {
      const __m256i codes = load(wide_x + k);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const __m256i products = _mm256_madd_epi16(codes, load(w + (r + i) * s.n + k));
        sums[i] = _mm256_add_epi32(sums[i], products);
      }
    }
    for (int i = 0; i < 4; ++i) y[r + i] = sum_of(sums[i]);
  }
}

struct Lesson {
  Problem problem;
  std::vector<uint8_t> x;
  std::vector<int8_t> w;
  std::vector<int16_t> wide_x, wide_w;
  std::vector<int32_t> y;

  /// \param largest  of the activations: 255, or 127 for those of 7 bits
  Lesson(const Problem& s, uint32_t largest) : problem(s) {
    lessons::Numbers numbers;
    for (int k = 0; k < s.n; ++k) x.push_back(static_cast<uint8_t>(numbers.next() % (largest + 1)));
    for (int i = 0; i < s.rows * s.n; ++i)
      w.push_back(static_cast<int8_t>(static_cast<int>(numbers.next() % 255) - 127));
    // Neighbouring large codes, as pictures with white areas have them.
    for (int k = 0; k < 32; ++k) x[size_t(k)] = static_cast<uint8_t>(largest), w[size_t(k)] = 127;
    wide_w.assign(w.begin(), w.end());
    wide_x.resize(x.size());
    y.resize(static_cast<size_t>(s.rows));
  }
  using Kernel = void (*)(const Problem&, const uint8_t*, const int8_t*, int32_t*);
  lessons::Version version(const char* name, Kernel kernel, bool exact = true) {
    return {name, [=, this] { kernel(problem, x.data(), w.data(), y.data()); }, exact};
  }
  std::vector<lessons::Version> versions() {
    std::vector<lessons::Version> all{version("one product at a time", one_at_a_time),
                                      version("by the compiler", by_the_compiler)};
    if (!lessons::has_avx2()) return all;
    all.push_back(version("by the compiler, wider vectors", by_the_compiler_wider));
    all.push_back(version("widened to 16 bits", widened));
    all.push_back(version("bytes that saturate: wrong", saturating, false));
    all.push_back(version("bytes in two parts", in_two_parts));
    all.push_back(version("four rows at a time", four_rows));
    all.push_back({"four rows, kept at 16 bits", [this] {
                     kept_wide(problem, x.data(), wide_w.data(), wide_x.data(), y.data());
                   }});
    return all;
  }
};

// Whether all versions give what the first does. One that saturates must not with 8 bits, or this
// would not have noticed; with activations of 7 bits it is right.
bool all_agree(const Problem& s) {
  for (const uint32_t largest : {255u, 127u}) {
    Lesson lesson(s, largest);
    std::vector<int32_t> first;
    for (const lessons::Version& version : lesson.versions()) {
      std::fill(lesson.y.begin(), lesson.y.end(), INT32_MIN);
      version.run();
      if (first.empty()) first = lesson.y;
      const bool equal = lesson.y == first, expected = version.exact || largest == 127;
      if (equal == expected) continue;
      std::fprintf(stderr, "%s: %s the sums of the first version, with activations up to %d\n",
                   version.name.c_str(), equal ? "has" : "has not", static_cast<int>(largest));
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const bool check_only = lessons::only_check(count, arguments);
  for (const Problem& s : {Problem{4, 64}, Problem{8, 192}, Problem{12, 1024}}) {
    if (!all_agree(s)) return 1;
  }
  if (!lessons::has_avx2()) std::printf("# without AVX2 only two versions run\n");
  if (check_only) {
    std::printf("all versions agree\n");
    return 0;
  }
  Lesson lesson({16, 512}, 255);  // 8 KiB of weights: all stays in the first-level cache
  lessons::measure(lesson.versions(), 2.0 * lesson.problem.rows * lesson.problem.n);
  if (lessons::has_avx2()) {
    std::printf("# 64 rows\n");
    Lesson larger({64, 512}, 255);  // 32 KiB, and 64 at 16 bits: more than that cache holds
    const std::vector<lessons::Version> all = larger.versions();
    lessons::measure({all[6], all[7]}, 2.0 * larger.problem.rows * larger.problem.n);
  }
  return 0;
}
