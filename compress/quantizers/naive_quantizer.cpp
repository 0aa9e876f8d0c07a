#include "espalier/compress/quantizers/naive_quantizer.h"

#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {

Tensor NaiveQuantizer::quantize_weight(const LayerInfo&, const Tensor& weight) {
  return quantize_symmetric(weight, bits, true);
}

}  // namespace espalier::compress
