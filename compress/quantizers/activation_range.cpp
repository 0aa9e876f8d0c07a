#include "espalier/compress/quantizers/activation_range.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/quantizers/grids.h"

namespace espalier::compress {

Tensor ActivationRange::apply(const Tensor& x, bool training) {
  if (x.size() == 0) return x;
  watch(x, training);
  if (!quantizes()) return x;
  const QuantizationGrid now = grid();
  return fake_quantize(x, std::span(&now, 1));
}

QuantizationGrid ActivationRange::grid_of(const ValueRange& range) const {
  if (options_.symmetric) return symmetric_grid(range, options_.bits);
  return affine_grid(range.low, range.high, 0, (1 << options_.bits) - 1);
}

void ActivationRange::set_range(const ValueRange& range) {
  low_ = range.low;
  high_ = range.high;
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

void MovingRange::watch(const Tensor& x, bool training) {
  if (!training || (frozen_ && known())) return;  // one batch in any case
  const ValueRange batch = value_range(x), before = range();
  if (!std::isfinite(batch.low) || !std::isfinite(batch.high)) {
    throw Error(std::string(name()),
                "the values are no longer finite numbers, so they have no range: training has "
                "diverged; try a smaller learning rate");
  }
  const double decay = known() ? decay_ : 0;
  const auto mixed = [decay](float old, float current) {
    return static_cast<float>(decay * double{old} + (1 - decay) * double{current});
  };
  set_range({mixed(before.low, batch.low), mixed(before.high, batch.high)});
}

}  // namespace espalier::compress
