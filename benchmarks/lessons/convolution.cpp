// A convolution in seven versions, from the formula to nearly what the processor can do. Explained
// in docs/lessons/convolution.md.
//
//   lesson_convolution [--check]
//
// All compute y[p,q,o] = Σ_{i,j,c} x[p+i, q+j, c]·w[o,i,j,c] for one picture whose margin is there
// already. Everything is channels-last, as in the library: the channels of a pixel lie side by
// side.
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "measure.h"

namespace {

#define AVX2 __attribute__((target("avx2,fma")))

struct Problem {
  int height, width;  // of the result
  int in, out;        // channels
  int kernel;         // k: a window has k×k pixels

  int x_width() const { return width + kernel - 1; }
  int x_size() const { return (height + kernel - 1) * x_width() * in; }
  int y_size() const { return height * width * out; }
  int window() const { return kernel * kernel * in; }
  int w_size() const { return out * window(); }
};

// 1: the formula as one reads it: each output by itself, the sum over channels, rows, columns.
void textbook(const Problem& s, const float* x, const float* w, float* y) {
  for (int o = 0; o < s.out; ++o) {
    for (int p = 0; p < s.height; ++p) {
      for (int q = 0; q < s.width; ++q) {
        float sum = 0;
        for (int c = 0; c < s.in; ++c) {
          for (int i = 0; i < s.kernel; ++i) {
            for (int j = 0; j < s.kernel; ++j) {
              sum += x[((p + i) * s.x_width() + q + j) * s.in + c] *
                     w[((o * s.kernel + i) * s.kernel + j) * s.in + c];
            }
          }
        }
        y[(p * s.width + q) * s.out + o] = sum;
      }
    }
  }
}

// 2: the same sum in the order of memory. For a row of the window, columns and channels together
// are k·in neighbouring numbers, of x as of w: one plain loop over both.
void memory_order(const Problem& s, const float* x, const float* w, float* y) {
  const int row = s.kernel * s.in;
  for (int p = 0; p < s.height; ++p) {
    for (int q = 0; q < s.width; ++q) {
      for (int o = 0; o < s.out; ++o) {
        float sum = 0;
        for (int i = 0; i < s.kernel; ++i) {
          const float* xs = x + ((p + i) * s.x_width() + q) * s.in;
          const float* ws = w + (o * s.kernel + i) * row;
          for (int k = 0; k < row; ++k) sum += xs[k] * ws[k];
        }
        y[(p * s.width + q) * s.out + o] = sum;
      }
    }
  }
}

// The weights as versions 3 to 6 want them: O×k×k×I → k×k×I×O, so that those which one input is
// multiplied with lie side by side. Done once when a network is loaded, so it is not measured.
std::vector<float> outputs_last(const Problem& s, const std::vector<float>& w) {
  std::vector<float> result(w.size());
  for (int o = 0; o < s.out; ++o) {
    for (int k = 0; k < s.window(); ++k) {
      result[static_cast<size_t>(k * s.out + o)] = w[static_cast<size_t>(o * s.window() + k)];
    }
  }
  return result;
}

// 3 and 4: one input after the other, added to all outputs. The sums of different outputs do not
// depend on each other, so the compiler may compute several at once, which it may not with the
// terms of one sum: floats added in another order give another result.
inline __attribute__((always_inline)) void all_outputs(const Problem& s, const float* x,
                                                       const float* w, float* y) {
  for (int p = 0; p < s.height; ++p) {
    for (int q = 0; q < s.width; ++q) {
      float* __restrict sums = y + (p * s.width + q) * s.out;
      for (int o = 0; o < s.out; ++o) sums[o] = 0;
      const float* ws = w;
      for (int i = 0; i < s.kernel; ++i) {
        const float* xs = x + ((p + i) * s.x_width() + q) * s.in;
        for (int k = 0; k < s.kernel * s.in; ++k, ws += s.out) {
          for (int o = 0; o < s.out; ++o) sums[o] += xs[k] * ws[o];
        }
      }
    }
  }
}
// 3: with the vectors of four floats that every x86-64 has.
void outputs_side_by_side(const Problem& s, const float* x, const float* w, float* y) {
  all_outputs(s, x, w, y);
}
// 4: the same text, compiled for vectors of eight and an instruction that multiplies and adds.
AVX2 void wider_vectors(const Problem& s, const float* x, const float* w, float* y) {
  all_outputs(s, x, w, y);
}

// 5: by hand from here on. The sums of a pixel stay in registers until they are complete; before,
// each addition read its sum from memory and wrote it back.
AVX2 void sums_in_registers(const Problem& s, const float* x, const float* w, float* y) {
  for (int p = 0; p < s.height; ++p) {
    for (int q = 0; q < s.width; ++q) {
      for (int o = 0; o < s.out; o += 16) {
        __m256 sum0 = _mm256_setzero_ps(), sum1 = _mm256_setzero_ps();
        const float* ws = w + o;
        for (int i = 0; i < s.kernel; ++i) {
          const float* xs = x + ((p + i) * s.x_width() + q) * s.in;
          for (int k = 0; k < s.kernel * s.in; ++k, ws += s.out) {
            const __m256 value = _mm256_broadcast_ss(xs + k);
            sum0 = _mm256_fmadd_ps(value, _mm256_loadu_ps(ws), sum0);
            sum1 = _mm256_fmadd_ps(value, _mm256_loadu_ps(ws + 8), sum1);
          }
        }
        _mm256_storeu_ps(y + (p * s.width + q) * s.out + o, sum0);
        _mm256_storeu_ps(y + (p * s.width + q) * s.out + o + 8, sum1);
      }
    }
  }
}

// 6 and 7: a tile of 6 neighbouring pixels × 16 outputs is 12 sums in registers. A weight that is
// loaded serves 6 pixels, an input 2 vectors; and 12 sums wait for one another as little as the
// processor needs to keep both of its multipliers busy.
constexpr int tile_pixels = 6, tile_outputs = 16;

AVX2 inline __attribute__((always_inline)) void tile(const Problem& s, const float* x,
                                                     const float* w, int w_step, float* y) {
  __m256 sums[tile_pixels][2] = {};
  for (int i = 0; i < s.kernel; ++i) {
    const float* xs = x + i * s.x_width() * s.in;
    for (int k = 0; k < s.kernel * s.in; ++k, w += w_step) {
      const __m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + 8);
#pragma GCC unroll 6
      for (int t = 0; t < tile_pixels; ++t) {
        const __m256 value = _mm256_broadcast_ss(xs + t * s.in + k);
        sums[t][0] = _mm256_fmadd_ps(value, w0, sums[t][0]);
        sums[t][1] = _mm256_fmadd_ps(value, w1, sums[t][1]);
      }
    }
  }
#pragma GCC unroll 6
  for (int t = 0; t < tile_pixels; ++t) {
    _mm256_storeu_ps(y + t * s.out, sums[t][0]);
    _mm256_storeu_ps(y + t * s.out + 8, sums[t][1]);
  }
}

// 6: tiles, pixel after pixel. The last tile of a row begins earlier, so that it ends with the row:
// pixels computed twice are cheaper than a kernel of their own for what is left.
AVX2 void register_tiles(const Problem& s, const float* x, const float* w, float* y) {
  for (int p = 0; p < s.height; ++p) {
    for (int q = 0; q < s.width; q += tile_pixels) {
      const int first = std::min(q, s.width - tile_pixels);
      for (int o = 0; o < s.out; o += tile_outputs) {
        tile(s, x + (p * s.x_width() + first) * s.in, w + o, s.out,
             y + (p * s.width + first) * s.out + o);
      }
    }
  }
}

// The weights as version 7 wants them: O/16×k×k×I×16, what a tile reads lies in one piece.
std::vector<float> packed(const Problem& s, const std::vector<float>& w) {
  std::vector<float> result(w.size());
  for (int o = 0; o < s.out; ++o) {
    for (int k = 0; k < s.window(); ++k) {
      const int block = o / tile_outputs, lane = o % tile_outputs;
      result[static_cast<size_t>((block * s.window() + k) * tile_outputs + lane)] =
          w[static_cast<size_t>(o * s.window() + k)];
    }
  }
  return result;
}

// 7: all pixels for 16 outputs before the next 16. The weights of a block, window·16·4 bytes, stay
// in the first-level cache while the whole picture passes by.
AVX2 void blocks_of_outputs(const Problem& s, const float* x, const float* w, float* y) {
  for (int o = 0; o < s.out; o += tile_outputs) {
    for (int p = 0; p < s.height; ++p) {
      for (int q = 0; q < s.width; q += tile_pixels) {
        const int first = std::min(q, s.width - tile_pixels);
        tile(s, x + (p * s.x_width() + first) * s.in, w + o * s.window(), tile_outputs,
             y + (p * s.width + first) * s.out + o);
      }
    }
  }
}

// What the processor can do at best: as many sums as in a tile, and nothing is loaded.
AVX2 void multiply_adds(int rounds, float* y) {
  __m256 sums[12], value = _mm256_set1_ps(0.5f);
  for (int k = 0; k < 12; ++k) sums[k] = _mm256_set1_ps(static_cast<float>(k));
  for (int i = 0; i < rounds; ++i) {
    __asm__ volatile("" : "+x"(value));  // the compiler must not know what comes out
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sums[k] = _mm256_fmadd_ps(value, value, sums[k]);
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) _mm256_storeu_ps(y + 8 * k, sums[k]);
}

struct Lesson {
  Problem problem;
  std::vector<float> x, w, w_outputs_last, w_packed, y;

  explicit Lesson(const Problem& s) : problem(s) {
    lessons::Numbers numbers;
    for (int i = 0; i < s.x_size(); ++i) x.push_back(numbers.between_minus_one_and_one());
    for (int i = 0; i < s.w_size(); ++i) w.push_back(numbers.between_minus_one_and_one());
    w_outputs_last = outputs_last(s, w);
    w_packed = packed(s, w);
    y.resize(static_cast<size_t>(s.y_size()));
  }
  using Kernel = void (*)(const Problem&, const float*, const float*, float*);
  lessons::Version version(const char* name, Kernel kernel, const std::vector<float>& weights) {
    return {name, [=, this, &weights] { kernel(problem, x.data(), weights.data(), y.data()); }};
  }
  std::vector<lessons::Version> versions() {
    std::vector<lessons::Version> all{
        version("the formula", textbook, w), version("in the order of memory", memory_order, w),
        version("outputs side by side", outputs_side_by_side, w_outputs_last)};
    if (!lessons::has_avx2()) return all;
    all.push_back(version("wider vectors", wider_vectors, w_outputs_last));
    all.push_back(version("sums in registers", sums_in_registers, w_outputs_last));
    all.push_back(version("tiles in registers", register_tiles, w_outputs_last));
    all.push_back(version("blocks of outputs, packed", blocks_of_outputs, w_packed));
    return all;
  }
};

// Whether all versions give what the first does, but for rounding in another order.
bool all_agree(const Problem& s) {
  Lesson lesson(s);
  std::vector<float> first;
  for (const lessons::Version& version : lesson.versions()) {
    std::fill(lesson.y.begin(), lesson.y.end(), NAN);
    version.run();
    if (first.empty()) first = lesson.y;
    for (size_t i = 0; i < first.size(); ++i) {
      // Terms are below 1 in magnitude: float32 sums of n of them differ by less than n·n·2⁻²⁴.
      const float limit = 1e-6f * static_cast<float>(s.window());
      if (std::abs(lesson.y[i] - first[i]) <= limit) continue;
      std::fprintf(stderr, "%s: value %d is %g and not %g\n", version.name.c_str(),
                   static_cast<int>(i), double{lesson.y[i]}, double{first[i]});
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const bool check_only = lessons::only_check(count, arguments);
  for (const Problem& s :
       {Problem{6, 6, 3, 16, 1}, Problem{3, 7, 5, 32, 3}, Problem{2, 11, 1, 48, 5}}) {
    if (!all_agree(s)) return 1;
  }
  if (!lessons::has_avx2()) std::printf("# without AVX2 only three versions run\n");
  if (check_only) {
    std::printf("all versions agree\n");
    return 0;
  }
  Lesson lesson({30, 30, 32, 32, 3});  // a layer as in the first stages of ResNet-20
  std::vector<lessons::Version> versions = lesson.versions();
  const Problem& s = lesson.problem;
  lessons::measure(versions, 2.0 * s.y_size() * s.window());
  if (lessons::has_avx2()) {
    constexpr int rounds = 100000;
    std::printf("# at best\n");
    lessons::measure({{"registers alone", [&] { multiply_adds(rounds, lesson.y.data()); }}},
                     2.0 * 12 * 8 * rounds);
  }
  return 0;
}
