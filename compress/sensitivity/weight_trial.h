#pragma once

#include <functional>
#include <memory>

#include "espalier/nn/parameter.h"

namespace espalier::compress {

/// What a layer would compute with if its weight were changed, while this lives: a transform in the
/// seam. The stored value is never written, so the end of a trial, also by an exception, leaves the
/// layer as it was, bit by bit. For evaluation: the weight must not be trained meanwhile.
class WeightTrial {
 public:
  /// Makes the changed weight, of the same shape; called once, at the first forward.
  using Change = std::function<Tensor(const Tensor& weight)>;

  /// A mask of its own beside those that the weight has; `change` gets the masked weight.
  static WeightTrial mask(nn::Parameter& parameter, Change change);
  /// A grid; `change` gets the masked weight. \throws Error where the weight is quantized already
  static WeightTrial grid(nn::Parameter& parameter, Change change);

  /// Whether `grid` is possible.
  static bool can_have_grid(const nn::Parameter& parameter);

  WeightTrial(WeightTrial&& other) noexcept = default;
  WeightTrial& operator=(WeightTrial&&) = delete;
  ~WeightTrial();

 private:
  WeightTrial(nn::Parameter& parameter, nn::WeightTransform::Stage stage, Change change);

  nn::Parameter* parameter_;
  std::shared_ptr<nn::WeightTransform> transform_;  // null in one that was moved from
};

/// The stored weight with its masks on it, as quantizers get it.
Tensor masked_weight(nn::Parameter& parameter);

/// The weight with zeros where the mask, a tensor of its shape, is 0. \throws Error for another
/// shape
Tensor zero_where_masked(const Tensor& weight, const Tensor& mask);

/// The fraction of entries that are zero.
double zeros_of(const Tensor& x);

}  // namespace espalier::compress
