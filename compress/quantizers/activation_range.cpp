#include "espalier/compress/quantizers/activation_range.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {

Tensor ActivationRange::apply(const Tensor& x, bool training) {
  if (x.size() == 0) return x;
  if (training && (!frozen_ || !known_)) follow(value_range(x));  // one batch in any case
  if (!quantizes()) return x;
  const QuantizationGrid now = grid();
  return fake_quantize(x, std::span(&now, 1));
}

QuantizationGrid ActivationRange::grid() const {
  if (options_.symmetric) return symmetric_grid({low_, high_}, options_.bits);
  return affine_grid(low_, high_, 0, (1 << options_.bits) - 1);
}

void ActivationRange::follow(const ValueRange& batch) {
  if (!std::isfinite(batch.low) || !std::isfinite(batch.high)) {
    throw Error(name_,
                "the values are no longer finite numbers, so they have no range: training has "
                "diverged; try a smaller learning rate");
  }
  const double decay = known_ ? options_.decay : 0;
  low_ = static_cast<float>(decay * double{low_} + (1 - decay) * double{batch.low});
  high_ = static_cast<float>(decay * double{high_} + (1 - decay) * double{batch.high});
  known_ = true;
}

Tensor ActivationRange::state() const {
  return Tensor::from({4}, {low_, high_, known_ ? 1.0f : 0.0f, active_ ? 1.0f : 0.0f});
}

void ActivationRange::set_state(const Tensor& state) {
  if (state.shape() != Shape{4})
    throw Error(name_, "a range has four values, not the shape " + state.shape().to_string());
  low_ = state[0];
  high_ = state[1];
  known_ = state[2] != 0;
  active_ = state[3] != 0;
}

}  // namespace espalier::compress
