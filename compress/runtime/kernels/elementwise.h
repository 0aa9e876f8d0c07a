#pragma once

#include "espalier/compress/runtime/kernels/dense.h"

namespace espalier::runtime {

/// Pooling and sums. Loops over neighbouring elements are plain: the compiler makes vectors of
/// them.
template <typename Isa>
struct Elementwise {
  using V = Vectors<Isa>;
  using Code = typename Isa::Code;

  template <typename Element>
  static void pool(const PoolTask& t) {
    const View& x = t.x.view;
    const View& y = t.y.view;
    if (!t.mean && !t.whole && t.kernel == 2 && t.stride == 2 && t.padding == 0 && x.block < 8) {
      if (x.block == 1) return halve<Element, 1>(t);
      if (x.block == 2) return halve<Element, 2>(t);
      if (x.block == 4) return halve<Element, 4>(t);
    }
    const int32_t rows = t.whole ? 1 : y.height, columns = t.whole ? 1 : y.width;
    for (int32_t b = 0; b < x.blocks(); ++b) {
      for (int32_t p = 0; p < rows; ++p) {
        for (int32_t q = 0; q < columns; ++q) {
          const int32_t top = t.whole ? 0 : p * t.stride - t.padding;
          const int32_t left = t.whole ? 0 : q * t.stride - t.padding;
          const int32_t height = t.whole ? x.height : t.kernel;
          const int32_t width = t.whole ? x.width : t.kernel;
          const Range range{top < 0 ? 0 : top, top + height > x.height ? x.height : top + height,
                            left < 0 ? 0 : left, left + width > x.width ? x.width : left + width};
          const auto* from = static_cast<const Element*>(t.x.data) + b * x.plane;
          // A vector as result has its channels side by side whatever the input's blocks are.
          auto* to =
              static_cast<Element*>(t.y.data) +
              (t.whole ? int64_t{b} * x.block : b * y.plane + p * y.row + int64_t{q} * y.block);
          const int32_t left_over = x.channels - b * x.block;
          const int32_t count = t.whole && left_over < x.block ? left_over : x.block;
          if (t.mean) {
            mean(t, from, range, count, height * width, to);
          } else {
            largest(x, from, range, count, to);
          }
        }
      }
    }
  }

  static void add_floats(const AddTask& t) {
    each_row(t, [&](int64_t a_at, int64_t b_at, int64_t y_at, int64_t count) {
      const float* a = static_cast<const float*>(t.a.data) + a_at;
      const float* b = static_cast<const float*>(t.b.data) + b_at;
      float* y = static_cast<float*>(t.y.data) + y_at;
      for (int64_t i = 0; i < count; ++i) {
        float sum = a[i] + b[i];
        sum = sum < t.low ? t.low : sum;
        y[i] = sum > t.high ? t.high : sum;
      }
    });
  }

  static void add_codes(const AddTask& t) {
    constexpr int lanes = V::lanes;
    each_row(t, [&](int64_t a_at, int64_t b_at, int64_t y_at, int64_t count) {
      const Code* a = static_cast<const Code*>(t.a.data) + a_at;
      const Code* b = static_cast<const Code*>(t.b.data) + b_at;
      Code* y = static_cast<Code*>(t.y.data) + y_at;
      for (int64_t i = 0; i < count; i += lanes) {
        const int64_t left = count - i;
        const auto size = static_cast<int32_t>(left < lanes ? left : lanes);
        const auto va = V::template load_some<typename V::Codes>(a + i, size);
        const auto vb = V::template load_some<typename V::Codes>(b + i, size);
        const auto code =
            V::narrow(Isa::sum(V::widen(va) - t.a_zero, t.a_factor, V::widen(vb) - t.b_zero,
                               t.b_factor, t.shift, t.y_zero, t.lowest, t.highest));
        OutputEpilogue<Isa>::put(y + i, code, size);
      }
    });
  }

 private:
  struct Range {
    int32_t top, bottom, left, right;
  };

  /// The largest of 2×2, with few channels beside each other.
  template <typename Element, int block>
  static void halve(const PoolTask& t) {
    const View& x = t.x.view;
    const View& y = t.y.view;
    for (int32_t b = 0; b < x.blocks(); ++b) {
      for (int32_t p = 0; p < y.height; ++p) {
        const auto* upper = static_cast<const Element*>(t.x.data) + b * x.plane + 2 * p * x.row;
        const Element* lower = upper + x.row;
        auto* to = static_cast<Element*>(t.y.data) + b * y.plane + p * y.row;
        for (int32_t q = 0; q < y.width; ++q) {
          for (int c = 0; c < block; ++c) {
            const int32_t left = 2 * q * block + c, right = left + block;
            const Element above = upper[left] > upper[right] ? upper[left] : upper[right];
            const Element below = lower[left] > lower[right] ? lower[left] : lower[right];
            to[q * block + c] = above > below ? above : below;
          }
        }
      }
    }
  }

  template <typename Element>
  static void largest(const View& x, const Element* from, const Range& r, int32_t count,
                      Element* to) {
    bool first = true;
    for (int32_t row = r.top; row < r.bottom; ++row) {
      for (int32_t column = r.left; column < r.right; ++column) {
        const Element* pixel = from + row * x.row + int64_t{column} * x.block;
        if (first) {
          std::memcpy(to, pixel, static_cast<size_t>(count) * sizeof(Element));
          first = false;
          continue;
        }
        for (int32_t c = 0; c < count; ++c) to[c] = pixel[c] > to[c] ? pixel[c] : to[c];
      }
    }
  }

  /// Sums of codes less the zero point: what lies in the padding adds nothing.
  template <typename Element>
  static void mean(const PoolTask& t, const Element* from, const Range& r, int32_t count,
                   int32_t window, Element* to) {
    constexpr bool codes = sizeof(Element) < 4;
    using Sum = std::conditional_t<codes, int32_t, float>;
    constexpr int32_t piece = 64;
    for (int32_t begin = 0; begin < count; begin += piece) {
      const int32_t size = count - begin < piece ? count - begin : piece;
      Sum sums[piece] = {};
      for (int32_t row = r.top; row < r.bottom; ++row) {
        for (int32_t column = r.left; column < r.right; ++column) {
          const Element* pixel =
              from + row * t.x.view.row + int64_t{column} * t.x.view.block + begin;
          for (int32_t c = 0; c < size; ++c) sums[c] += static_cast<Sum>(pixel[c]);
        }
      }
      for (int32_t c = 0; c < size; ++c) {
        if constexpr (codes) {
          const int32_t sum = sums[c] - t.x_zero * (r.bottom - r.top) * (r.right - r.left);
          const int64_t code =
              t.y_zero + ((int64_t{sum} * t.factor + (int64_t{1} << (t.shift - 1))) >> t.shift);
          to[begin + c] = static_cast<Element>(code < t.lowest    ? t.lowest
                                               : code > t.highest ? t.highest
                                                                  : code);
        } else {
          to[begin + c] = sums[c] / static_cast<float>(window);
        }
      }
    }
  }

  template <typename Body>
  static ESPALIER_INLINE void each_row(const AddTask& t, Body&& body) {
    const View& y = t.y.view;
    for (int32_t b = 0; b < y.blocks(); ++b) {
      for (int32_t row = 0; row < y.height; ++row) {
        body(b * t.a.view.plane + row * t.a.view.row, b * t.b.view.plane + row * t.b.view.row,
             b * y.plane + row * y.row, int64_t{y.width} * y.block);
      }
    }
  }
};

}  // namespace espalier::runtime
