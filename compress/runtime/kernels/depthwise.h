#pragma once

#include "espalier/compress/runtime/kernels/dense.h"

namespace espalier::runtime {

/// A convolution of each channel with its own kernel: a vector of channels goes through the window.
template <typename Isa>
struct Depthwise {
  using V = Vectors<Isa>;
  using Float = typename V::Float;
  using Int = typename V::Int;
  using Code = typename Isa::Code;
  static constexpr int lanes = V::lanes;

  static void run_floats(const DepthwiseTask& t) {
    const int32_t stride = (t.channels + lanes - 1) / lanes * lanes;
    const auto* weights = static_cast<const float*>(t.weights);
    each_pixel(t, [&](int64_t x_at, int64_t y_at, int32_t c, int32_t count) {
      const float* x = static_cast<const float*>(t.x) + x_at;
      Float sum = V::template load<Float>(t.epilogue->bias + c);
      for (int32_t k = 0; k < t.tap_count; ++k) {
        sum += V::template load_some<Float>(x + t.taps[k], count) *
               V::template load<Float>(weights + int64_t{k} * stride + c);
      }
      OutputEpilogue<Isa>::store(*t.epilogue, sum, t.y, y_at, count);
    });
  }

  static void run_codes(const DepthwiseTask& t) {
    const int32_t stride = (t.channels + lanes - 1) / lanes * lanes;
    const auto* weights = static_cast<const int32_t*>(t.weights);
    each_pixel(t, [&](int64_t x_at, int64_t y_at, int32_t c, int32_t count) {
      const Code* x = static_cast<const Code*>(t.x) + x_at;
      Int sum = V::template load<Int>(t.epilogue->code_bias + c);
      for (int32_t k = 0; k < t.tap_count; ++k) {
        sum += V::widen(V::template load_some<typename V::Codes>(x + t.taps[k], count)) *
               V::template load<Int>(weights + int64_t{k} * stride + c);
      }
      OutputEpilogue<Isa>::store(*t.epilogue, sum, t.y, y_at, c, count);
    });
  }

 private:
  template <typename Body>
  static ESPALIER_INLINE void each_pixel(const DepthwiseTask& t, Body&& body) {
    for (int32_t row = 0; row < t.rows; ++row) {
      for (int32_t column = 0; column < t.columns; ++column) {
        const int64_t x = row * t.x_row + column * t.x_column;
        const int64_t y = row * t.y_row + column * t.y_column;
        for (int32_t c = 0; c < t.channels; c += lanes) {
          const int32_t left = t.channels - c;
          body(x + c, y + c, c, left < lanes ? left : lanes);
        }
      }
    }
  }
};

}  // namespace espalier::runtime
