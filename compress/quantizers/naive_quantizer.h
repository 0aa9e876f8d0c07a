#pragma once

#include "espalier/compress/quantizer.h"

namespace espalier::compress {

/// Symmetric 8-bit weights, with a step for each output channel o:
///
///     Δ_o = max|w_o| / 127,   w → Δ_o·round(w/Δ_o)
///
/// with codes from −127 to 127, halves to the even code, and Δ = 1 for a channel of zeros. The
/// gradient passes straight through. Activations stay as they are. It needs no options:
///
///     NaiveQuantizer quantizer;
///     quantizer(net);
class NaiveQuantizer : public Quantizer {
 public:
  NaiveQuantizer(Rules rules = {}) : Quantizer(std::move(rules)) {}  // NOLINT: as rules in braces

  Tensor quantize_weight(const LayerInfo& layer, const Tensor& weight) override;
  WeightLevels weight_levels(const LayerInfo&) const override {
    return {.bits = bits, .per_channel = true};
  }
  bool preserves_zero(const LayerInfo&) const override { return true; }
  QuantizedTensors quantized_tensors(const LayerInfo&) const override {
    return {.weight = true, .input = false, .result = false};
  }

 private:
  bool acts_on_activations() const override { return false; }
  static constexpr int bits = 8;
};

}  // namespace espalier::compress
