#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "espalier/autograd/mask.h"
#include "espalier/autograd/tensor.h"

namespace espalier::nn {

/// What stands between the stored (latent) value of a parameter and the effective value that a
/// layer computes with. Made of recorded operations, so that it differentiates by itself.
class WeightTransform {
 public:
  /// The order in which transforms apply, whatever the order of attaching. A weight has any number
  /// of masks, of which each must keep an entry, and one transform of each other stage.
  enum class Stage {
    gradient,  ///< leaves values as they are and acts on their gradient, or looks at it
    mask,
    fold,
    quantize,
  };

  virtual ~WeightTransform() = default;
  virtual Stage stage() const = 0;
  /// What the transform is called in messages.
  virtual std::string_view name() const = 0;
  /// Same shape as `weight`. Also applied to results of the stages before.
  virtual Tensor apply(const Tensor& weight) const = 0;
  /// Whether 0 stays 0. If not (a binary grid has no zero), the mask is applied once more at the
  /// end.
  virtual bool preserves_zero() const { return true; }
  /// Entries whose bit is 0 may not be moved by any optimizer; undefined: all may.
  virtual Mask trainable() const { return {}; }
  /// The parameter has lost channels: of this axis only these indices are left, in their order. One
  /// that keeps anything for each entry or index of the parameter keeps the same of it.
  virtual void keep(int /*axis*/, std::span<const int64_t> /*indices*/) {}
};

/// What stands before or behind a layer's computation, on activations.
class ActivationTransform {
 public:
  virtual ~ActivationTransform() = default;
  virtual std::string_view name() const = 0;
  virtual Tensor apply(const Tensor& x, bool training) = 0;
  /// What it has found out while training and evaluation needs, such as a range: saved with the
  /// weights. Undefined: nothing.
  virtual Tensor state() const { return {}; }
  /// Puts back what `state` returned. \throws Error when it cannot be that
  virtual void set_state(const Tensor& /*state*/) {}
};

}  // namespace espalier::nn
