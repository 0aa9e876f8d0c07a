#pragma once

#include "espalier/compress/runtime/kernels/kernels.h"
#include "espalier/compress/runtime/kernels/vectors.h"

namespace espalier::runtime {

/// What turns the sums of one output pixel into what is stored, for a vector of outputs from `o`
/// on.
template <typename Isa>
struct OutputEpilogue {
  using V = Vectors<Isa>;
  using Float = typename V::Float;
  using Int = typename V::Int;
  using Code = typename Isa::Code;

  /// `at`: elements from the beginning of the result, where the residual has its value too.
  static ESPALIER_INLINE void store(const Epilogue& e, Float sum, void* y, int64_t at,
                                    int32_t count) {
    Float value = V::limit(sum, e.low, e.high);
    auto* to = static_cast<float*>(y) + at;
    if (e.residual) {
      const auto* r = static_cast<const float*>(e.residual) + at;
      const Float residual = V::template load_some<Float>(r, count);
      value = V::limit(value + residual, e.sum_low, e.sum_high);
    }
    put(to, value, count);
  }

  static ESPALIER_INLINE void store(const Epilogue& e, Int sum, void* y, int64_t at, int32_t o,
                                    int32_t count) {
    if (e.scales) {
      const Float scale = V::template load<Float>(e.scales + o);
      const Float value = V::limit(__builtin_convertvector(sum, Float) * scale, e.low, e.high);
      put(static_cast<float*>(y) + at, value, count);
      return;
    }
    const Int factor = V::template load<Int>(e.factors + o),
              shift = V::template load<Int>(e.shifts + o);
    Int code = Isa::requantize(sum, factor, shift, e.zero, e.lowest, e.highest);
    if (e.residual) {
      const auto* r = static_cast<const Code*>(e.residual) + at;
      const auto residual = V::template load_some<typename V::Codes>(r, count);
      code = add(e, code, V::widen(residual));
    }
    put(static_cast<Code*>(y) + at, V::narrow(code), count);
  }

  static ESPALIER_INLINE Int add(const Epilogue& e, Int code, Int residual) {
    return Isa::sum(code - e.zero, e.sum_factor, residual - e.residual_zero, e.residual_factor,
                    e.sum_shift, e.sum_zero, e.sum_lowest, e.sum_highest);
  }

  template <typename Element, typename Vector>
  static ESPALIER_INLINE void put(Element* to, const Vector& value, int32_t count) {
    if (count >= V::lanes) {
      std::memcpy(to, &value, sizeof value);
    } else {
      V::store_some(to, value, count);
    }
  }
};

/// Convolutions and linear layers with all their weights: for a tile of neighbouring output pixels
/// and two vectors of outputs the sums stay in registers; every weight that is loaded serves all
/// pixels of the tile, every input all outputs.
template <typename Isa>
struct Dense {
  using V = Vectors<Isa>;
  static constexpr int lanes = V::lanes;
  static constexpr int vectors = 2;
  static constexpr int width = vectors * lanes;

  /// Float32 sums and their factors.
  struct Floats {
    using Input = float;
    using Weight = float;
    using Sum = typename V::Float;
    static constexpr int group = 1;
    static ESPALIER_INLINE Sum start(const Epilogue& e, int32_t o) {
      return V::template load<Sum>(e.bias + o);
    }
    static ESPALIER_INLINE Sum weights(const float* w) { return V::template load<Sum>(w); }
    static ESPALIER_INLINE Sum input(const float* x) { return V::broadcast(*x); }
    static ESPALIER_INLINE Sum dot(Sum sum, Sum x, Sum w) { return sum + x * w; }
    static ESPALIER_INLINE void store(const Epilogue& e, Sum sum, void* y, int64_t at, int32_t,
                                      int32_t count) {
      OutputEpilogue<Isa>::store(e, sum, y, at, count);
    }
  };
  /// Sums of codes.
  struct Codes {
    using Input = typename Isa::Code;
    using Weight = typename Isa::Weight;
    using Sum = typename V::Int;
    static constexpr int group = Isa::group;
    static ESPALIER_INLINE Sum start(const Epilogue& e, int32_t o) {
      return V::template load<Sum>(e.code_bias + o);
    }
    static ESPALIER_INLINE auto weights(const Weight* w) { return Isa::load_weights(w); }
    static ESPALIER_INLINE auto input(const Input* x) { return Isa::broadcast_codes(x); }
    template <typename X, typename W>
    static ESPALIER_INLINE Sum dot(Sum sum, X x, W w) {
      return Isa::dot(sum, x, w);
    }
    static ESPALIER_INLINE void store(const Epilogue& e, Sum sum, void* y, int64_t at, int32_t o,
                                      int32_t count) {
      OutputEpilogue<Isa>::store(e, sum, y, at, o, count);
    }
  };

  template <typename Kind>
  struct Tile {
    const DenseTask& task;
    const typename Kind::Input* x;   // window of the tile's first pixel
    const typename Kind::Weight* w;  // of the block of outputs
    int64_t y;                       // elements to the first pixel's results
    int32_t output;                  // the block's first
  };

  /// \tparam used  vectors of the block that hold outputs: the last block may have but one
  template <typename Kind, int pixels, int used>
  static void tile(const Tile<Kind>& t) {
    using Sum = typename Kind::Sum;
    const Epilogue& e = *t.task.epilogue;
    Sum sums[pixels][used];
    for (int p = 0; p < pixels; ++p) {
      for (int v = 0; v < used; ++v) sums[p][v] = Kind::start(e, t.output + v * lanes);
    }
    const int64_t column = t.task.x_column;
    const typename Kind::Weight* w = t.w;
    for (int32_t r = 0; r < t.task.run_count; ++r) {
      const typename Kind::Input* x = t.x + t.task.runs[r];
      for (int32_t g = 0; g < t.task.run_groups; ++g) {
        const auto w0 = Kind::weights(w), w1 = Kind::weights(w + (used - 1) * lanes * Kind::group);
#pragma GCC unroll 16
        for (int p = 0; p < pixels; ++p) {
          const auto input = Kind::input(x + p * column);
          sums[p][0] = Kind::dot(sums[p][0], input, w0);
          if constexpr (used > 1) sums[p][1] = Kind::dot(sums[p][1], input, w1);
        }
        x += Kind::group;
        w += width * Kind::group;
      }
    }
    for (int p = 0; p < pixels; ++p) finish<Kind, used>(t, sums[p], p);
  }

  /// One pixel alone: two sums would wait for each other, so every fourth input has its own.
  template <typename Kind>
  static void single(const Tile<Kind>& t) {
    using Sum = typename Kind::Sum;
    constexpr int chains = 4;
    const Epilogue& e = *t.task.epilogue;
    Sum sums[chains][vectors] = {};
    for (int v = 0; v < vectors; ++v) sums[0][v] = Kind::start(e, t.output + v * lanes);
    const typename Kind::Weight* w = t.w;
    for (int32_t r = 0; r < t.task.run_count; ++r) {
      const typename Kind::Input* x = t.x + t.task.runs[r];
      int32_t g = 0;
      for (; g + chains <= t.task.run_groups; g += chains) {
#pragma GCC unroll 4
        for (int c = 0; c < chains; ++c) {
          const auto input = Kind::input(x + c * Kind::group);
#pragma GCC unroll 2
          for (int v = 0; v < vectors; ++v) {
            const auto weights = Kind::weights(w + (c * vectors + v) * lanes * Kind::group);
            sums[c][v] = Kind::dot(sums[c][v], input, weights);
          }
        }
        x += chains * Kind::group;
        w += chains * width * Kind::group;
      }
      for (; g < t.task.run_groups; ++g) {
        const auto input = Kind::input(x);
        for (int v = 0; v < vectors; ++v) {
          sums[0][v] = Kind::dot(sums[0][v], input, Kind::weights(w + v * lanes * Kind::group));
        }
        x += Kind::group;
        w += width * Kind::group;
      }
    }
    for (int v = 0; v < vectors; ++v) {
      sums[0][v] = (sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]);
    }
    finish<Kind, vectors>(t, sums[0], 0);
  }

  template <typename Kind, int used>
  static ESPALIER_INLINE void finish(const Tile<Kind>& t, typename Kind::Sum (&sums)[used],
                                     int pixel) {
    const int64_t at = t.y + pixel * t.task.y_column + t.output;
    for (int v = 0; v < used; ++v) {
      const int32_t o = t.output + v * lanes, left = t.task.outputs - o;
      if (left > 0) {
        Kind::store(*t.task.epilogue, sums[v], t.task.y, at + v * lanes, o,
                    left < lanes ? left : lanes);
      }
    }
  }

  /// The tile with as many pixels as asked for, 1 to Isa::pixels.
  template <typename Kind, int used, int pixels = Isa::pixels>
  static void run_tile(const Tile<Kind>& t, int32_t count) {
    if constexpr (pixels == 1) {
      single<Kind>(t);
    } else {
      if (count == pixels) {
        tile<Kind, pixels, used>(t);
      } else {
        run_tile<Kind, used, pixels - 1>(t, count);
      }
    }
  }

  template <typename Kind>
  static void run(const DenseTask& task) {
    const auto* w = static_cast<const typename Kind::Weight*>(task.weights);
    const int64_t block = int64_t{task.run_count} * task.run_groups * Kind::group * width;
    // Tiles of nearly equal width: nine pixels are 5 + 4, not 6 + 3.
    const int32_t tiles = (task.columns + Isa::pixels - 1) / Isa::pixels;
    for (int32_t o = 0; o < task.outputs; o += width, w += block) {
      for (int32_t row = 0; row < task.rows; ++row) {
        for (int32_t i = 0; i < tiles; ++i) {
          const auto begin = static_cast<int32_t>(int64_t{task.columns} * i / tiles);
          const auto end = static_cast<int32_t>(int64_t{task.columns} * (i + 1) / tiles);
          const auto* x = static_cast<const typename Kind::Input*>(task.x) + row * task.x_row +
                          begin * task.x_column;
          const Tile<Kind> tile{task, x, w, row * task.y_row + begin * task.y_column, o};
          if (task.outputs - o > lanes) {
            run_tile<Kind, vectors>(tile, end - begin);
          } else {
            run_tile<Kind, 1>(tile, end - begin);
          }
        }
      }
    }
  }
};

}  // namespace espalier::runtime
