#pragma once

#include "espalier/compress/runtime/plan/plan.h"

/// Weights in the order in which kernels read them.
namespace espalier::runtime {

/// A layer's weights and what its packing needs to know.
struct Layer {
  const Operation* operation;
  const WeightData* data;
  const Value* input;
  const Value* output;
  bool codes;    ///< of the input
  float* plain;  ///< float32 weights O×…, scales applied; null for codes

  int64_t columns() const { return operation->weight.columns(); }
};

/// Which column of the weight belongs to an element of a run of the input; −1: none.
struct RunColumns {
  const int32_t* columns;  ///< [run][element]
  int32_t runs, length;
};

/// Whether codes of nine bits meet kernels with bytes.
bool too_wide(const Kernels& kernels, const WeightData& data);

/// Every function returns false when there is no memory.
[[nodiscard]] bool pack_epilogue(const Layer& layer, const Operation* sum, const Graph& graph,
                                 const Kernels& kernels, Storage& storage, Step& step);
[[nodiscard]] bool pack_dense(const Layer& layer, const RunColumns& runs, const Kernels& kernels,
                              Storage& storage, Step& step);
[[nodiscard]] bool pack_depthwise(const Layer& layer, const Kernels& kernels, Storage& storage,
                                  Step& step);
/// `view`: of the input, with the planes that the kernel reads; for a stride those of all phases.
[[nodiscard]] bool pack_sparse_conv(const Layer& layer, const View& view, const Kernels& kernels,
                                    Storage& storage, Step& step);
/// `places[j]`: where column j lies among the elements of the input.
[[nodiscard]] bool pack_sparse_linear(const Layer& layer, const int32_t* places,
                                      const Kernels& kernels, Budget& budget, Storage& storage,
                                      Step& step);

/// The share of groups of neighbouring input channels of which a weight is kept.
double group_density(const Layer& layer, int32_t group);

}  // namespace espalier::runtime
