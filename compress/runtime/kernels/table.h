#pragma once

#include "espalier/compress/runtime/kernels/dense.h"
#include "espalier/compress/runtime/kernels/depthwise.h"
#include "espalier/compress/runtime/kernels/elementwise.h"
#include "espalier/compress/runtime/kernels/sparse_conv.h"

namespace espalier::runtime {

/// The kernels of an instruction set.
template <typename Isa>
constexpr Kernels kernels_of(const char* name) {
  using D = Dense<Isa>;
  return {name,
          Isa::lanes,
          sizeof(typename Isa::Code),
          sizeof(typename Isa::Weight),
          Isa::group,
          D::width,
          Isa::window,
          Isa::code_window,
          Isa::code_pick_bytes,
          &D::template run<typename D::Floats>,
          &D::template run<typename D::Codes>,
          &Depthwise<Isa>::run_floats,
          &Depthwise<Isa>::run_codes,
          &SparseConv<Isa>::run_floats,
          &SparseConv<Isa>::run_codes,
          &SparseLinear<Isa>::run_floats,
          &SparseLinear<Isa>::run_codes,
          &Elementwise<Isa>::template pool<float>,
          &Elementwise<Isa>::template pool<typename Isa::Code>,
          &Elementwise<Isa>::add_floats,
          &Elementwise<Isa>::add_codes};
}

}  // namespace espalier::runtime
