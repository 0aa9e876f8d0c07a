#pragma once

#include "espalier/compress/runtime/kernels/dense.h"

namespace espalier::runtime {

/// Convolutions of which only kept weights are visited. A kept weight is multiplied by a run of
/// pixels: the sums of a tile of pixels stay in registers while all kept weights of an output pass.
template <typename Isa>
struct SparseConv {
  using V = Vectors<Isa>;
  using Float = typename V::Float;
  using Int = typename V::Int;
  using Code = typename Isa::Code;
  static constexpr int lanes = V::lanes;

  struct Floats {
    using Input = float;
    using Weight = float;
    using Sum = Float;
    static constexpr int group = 1;
    static ESPALIER_INLINE Float input(const float* x) { return V::template load<Float>(x); }
    static ESPALIER_INLINE Float weight(const float* w) { return V::broadcast(*w); }
    static ESPALIER_INLINE Float dot(Float sum, Float x, Float w) { return sum + x * w; }
  };
  struct Codes {
    using Input = Code;
    using Weight = typename Isa::Weight;
    using Sum = Int;
    static constexpr int group = Isa::group;
    static ESPALIER_INLINE auto input(const Code* x) { return Isa::load_codes(x); }
    static ESPALIER_INLINE auto weight(const Weight* w) { return Isa::broadcast_weights(w); }
    template <typename X, typename W>
    static ESPALIER_INLINE Int dot(Int sum, X x, W w) {
      return Isa::dot(sum, x, w);
    }
  };

  /// The sums of `vectors` vectors of pixels for one output, to scratch.
  template <typename Kind, int vectors>
  static void tile(const SparseConvTask& t, int32_t o, typename Kind::Sum start,
                   const typename Kind::Input* x, typename Kind::Sum* sums_out) {
    typename Kind::Sum sums[vectors];
    for (int v = 0; v < vectors; ++v) sums[v] = start;
    const auto* w = static_cast<const typename Kind::Weight*>(t.weights);
    for (int32_t k = t.starts[o]; k < t.starts[o + 1]; ++k) {
      const auto weight = Kind::weight(w + int64_t{k} * Kind::group);
      const typename Kind::Input* from = x + t.offsets[k];
#pragma GCC unroll 32
      for (int v = 0; v < vectors; ++v) {
        sums[v] = Kind::dot(sums[v], Kind::input(from + v * lanes * Kind::group), weight);
      }
    }
    for (int v = 0; v < vectors; ++v) V::store(sums_out + v, sums[v]);
  }

  template <typename Kind, int vectors = Isa::run>
  static void run_tile(const SparseConvTask& t, int32_t o, typename Kind::Sum start,
                       const typename Kind::Input* x, typename Kind::Sum* sums, int32_t count) {
    if (count == vectors) {
      tile<Kind, vectors>(t, o, start, x, sums);
    } else if constexpr (vectors > 1) {
      run_tile<Kind, vectors - 1>(t, o, start, x, sums, count);
    }
  }

  /// All sums of output o, in vectors through the plane's rows.
  template <typename Kind>
  static void sums_of(const SparseConvTask& t, int32_t o, typename Kind::Sum start,
                      typename Kind::Sum* sums) {
    const int64_t pixels = int64_t{t.rows - 1} * t.row_pixels + t.columns;
    const int64_t total = (pixels + lanes - 1) / lanes, tiles = (total + Isa::run - 1) / Isa::run;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t begin = total * i / tiles, end = total * (i + 1) / tiles;
      run_tile<Kind>(t, o, start,
                     static_cast<const typename Kind::Input*>(t.x) + begin * lanes * Kind::group,
                     sums + begin, static_cast<int32_t>(end - begin));
    }
  }

  static void run_floats(const SparseConvTask& t) {
    const Epilogue& e = *t.epilogue;
    auto* sums = static_cast<Float*>(t.scratch);
    for (int32_t o = 0; o < t.outputs; ++o) {
      sums_of<Floats>(t, o, V::broadcast(e.bias[o]), sums);
      for (int32_t row = 0; row < t.rows; ++row) {
        const float* from = reinterpret_cast<const float*>(sums) + int64_t{row} * t.row_pixels;
        const int64_t at = o * t.y_plane + row * t.y_row;
        for (int32_t x = 0; x < t.columns; x += lanes) {
          const int32_t left = t.columns - x;
          OutputEpilogue<Isa>::store(e, V::template load<Float>(from + x), t.y, at + x,
                                     left < lanes ? left : lanes);
        }
      }
    }
  }

  static void run_codes(const SparseConvTask& t) {
    auto* sums = static_cast<int32_t*>(t.scratch);
    for (int32_t first = 0; first < t.outputs; first += Isa::group) {
      const int32_t left = t.outputs - first, count = left < Isa::group ? left : Isa::group;
      for (int32_t g = 0; g < count; ++g) {
        sums_of<Codes>(t, first + g, Int{} + t.epilogue->code_bias[first + g],
                       reinterpret_cast<Int*>(sums + g * t.scratch_plane));
      }
      for (int32_t row = 0; row < t.rows; ++row) {
        const int32_t* from = sums + int64_t{row} * t.row_pixels;
        if (t.epilogue->scales) {
          for (int32_t g = 0; g < count; ++g)
            store_values(t, from + g * t.scratch_plane, first + g, row);
        } else {
          store_codes(t, from, first, count, row);
        }
      }
    }
  }

 private:
  /// A float32 result has planes of single channels.
  static void store_values(const SparseConvTask& t, const int32_t* from, int32_t o, int32_t row) {
    const Epilogue& e = *t.epilogue;
    float* to = static_cast<float*>(t.y) + o * t.y_plane + row * t.y_row;
    for (int32_t x = 0; x < t.columns; x += lanes) {
      const int32_t left = t.columns - x;
      const Int sum = V::template load<Int>(from + x);
      const Float value = __builtin_convertvector(sum, Float) * e.scales[o];
      OutputEpilogue<Isa>::put(to + x, V::limit(value, e.low, e.high), left < lanes ? left : lanes);
    }
  }

  /// The codes of a group of outputs lie side by side in the result: for each pixel they are put
  /// together in 32 bits.
  static void store_codes(const SparseConvTask& t, const int32_t* from, int32_t first,
                          int32_t count, int32_t row) {
    constexpr int bits = Isa::group == 1 ? 32 : 8 * static_cast<int>(sizeof(Code));
    const Epilogue& e = *t.epilogue;
    const int64_t at = first / Isa::group * t.y_plane + row * t.y_row;
    Code* to = static_cast<Code*>(t.y) + at;
    const Code* residual = e.residual ? static_cast<const Code*>(e.residual) + at : nullptr;
    for (int32_t x = 0; x < t.columns; x += lanes) {
      const int32_t left = t.columns - x, pixels = left < lanes ? left : lanes;
      Int word{}, other{};
      if (residual) other = load_word(residual + int64_t{x} * Isa::group, pixels);
      for (int32_t g = 0; g < count; ++g) {
        const Int sum = V::template load<Int>(from + g * t.scratch_plane + x);
        Int code = Isa::requantize(sum, Int{} + e.factors[first + g], Int{} + e.shifts[first + g],
                                   e.zero, e.lowest, e.highest);
        if (residual) {
          const Int mine = bits == 32 ? other : (other >> (g * bits)) & ((1 << (bits & 31)) - 1);
          code = OutputEpilogue<Isa>::add(e, code, mine);
        }
        word |= code << (g * (bits & 31));
      }
      if constexpr (Isa::group == 1) {
        OutputEpilogue<Isa>::put(to + x, V::narrow(word), pixels);
      } else {
        // A pixel's codes are 32 bits, whatever their type is called.
        OutputEpilogue<Isa>::put(reinterpret_cast<Word*>(to + int64_t{x} * Isa::group), word,
                                 pixels);
      }
    }
  }

  struct Word {
    char bytes[4];
  };
  static ESPALIER_INLINE Int load_word(const Code* from, int32_t pixels) {
    if constexpr (Isa::group == 1) {
      return V::widen(V::template load_some<typename V::Codes>(from, pixels));
    } else {
      return V::template load_some<Int>(reinterpret_cast<const Word*>(from), pixels);
    }
  }
};

/// Linear layers of which only kept weights are visited, for one sample. Each lane is an output. A
/// window of the input stands in registers, and a shuffle gives each lane the element that its next
/// kept weight needs: no memory is gathered, and no branch depends on where weights are kept.
template <typename Isa>
struct SparseLinear {
  using V = Vectors<Isa>;
  using Float = typename V::Float;
  using Int = typename V::Int;
  using Code = typename Isa::Code;
  static constexpr int lanes = V::lanes;
  static constexpr int chains = 4;  // sums that do not wait for each other

  static void run_floats(const SparseLinearTask& t) {
    const auto* x = static_cast<const float*>(t.x);
    const auto* w = static_cast<const float*>(t.weights);
    const auto product = [&](int32_t step) ESPALIER_INLINE_LAMBDA {
      const auto window = Isa::float_window(x + t.windows[step]);
      return Isa::pick(window, t.picks + int64_t{step} * lanes) *
             V::template load<Float>(w + int64_t{step} * lanes);
    };
    for (int32_t block = 0, o = 0; o < t.outputs; ++block, o += lanes) {
      Float sums[chains] = {V::template load<Float>(t.epilogue->bias + o)};
      int32_t step = t.begins[block];
      const int32_t end = t.begins[block + 1];
      for (; step + chains <= end; step += chains) {
        for (int i = 0; i < chains; ++i) sums[i] += product(step + i);
      }
      for (; step < end; ++step) sums[0] += product(step);
      const int32_t rest = t.outputs - o;
      OutputEpilogue<Isa>::store(*t.epilogue, (sums[0] + sums[1]) + (sums[2] + sums[3]), t.y, o,
                                 rest < lanes ? rest : lanes);
    }
  }

  static void run_codes(const SparseLinearTask& t) {
    if constexpr (Isa::code_window > 0) {
      constexpr int64_t elements = lanes * Isa::group;
      const auto* x = static_cast<const Code*>(t.x);
      const auto* w = static_cast<const typename Isa::Weight*>(t.weights);
      const auto add = [&](Int sum, int32_t step) ESPALIER_INLINE_LAMBDA {
        const auto window = Isa::load_code_window(x + t.windows[step]);
        return Isa::dot(sum,
                        Isa::pick_codes(window, t.picks + step * elements * Isa::code_pick_bytes),
                        Isa::load_weights(w + step * elements));
      };
      for (int32_t block = 0, o = 0; o < t.outputs; ++block, o += lanes) {
        Int sums[chains] = {V::template load<Int>(t.epilogue->code_bias + o)};
        int32_t step = t.begins[block];
        const int32_t end = t.begins[block + 1];
        for (; step + chains <= end; step += chains) {
          for (int i = 0; i < chains; ++i) sums[i] = add(sums[i], step + i);
        }
        for (; step < end; ++step) sums[0] = add(sums[0], step);
        const int32_t rest = t.outputs - o;
        OutputEpilogue<Isa>::store(*t.epilogue, (sums[0] + sums[1]) + (sums[2] + sums[3]), t.y, o,
                                   o, rest < lanes ? rest : lanes);
      }
    }
  }
};

}  // namespace espalier::runtime
