#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "espalier/autograd/mask.h"
#include "espalier/autograd/tensor.h"
#include "espalier/nn/init.h"
#include "espalier/nn/io/state.h"
#include "espalier/nn/weight_transform.h"

namespace espalier::compress {
class Compressor;
class ChannelCut;
}  // namespace espalier::compress

namespace espalier::nn {

/// The right to touch what a parameter stores. Layers do not have it: they get the effective value
/// and nothing else, so no layer can compute with a weight that compression has not seen.
class LatentAccess {
  friend class Parameter;
  friend class Module;
  friend class Optimizer;
  friend class ParameterUpdate;
  friend void initialise(Module& model, uint64_t seed);
  friend class compress::Compressor;
  friend class compress::ChannelCut;
  LatentAccess() {}  // user-provided: a defaulted one would let `{}` through as an aggregate
};

/// What a parameter is for.
enum class Role {
  weight,  ///< multiplies activations; what pruners and quantizers act on
  bias,
  scale,  ///< multiplies whole channels, as in batch normalisation
};

/// One trainable tensor of a layer, with everything that belongs to it: the stored (latent) value
/// and its gradient, the transforms that make the effective value, and the state that optimizers
/// keep.
///
///     latent (→ gradient) → masks → fold → quantize (→ masks) → effective
///
/// There is no way from a Parameter to an operation except `Module::effective`.
class Parameter {
 public:
  /// Start values are drawn from the current engine's random numbers.
  Parameter(std::string name, Role role, const Shape& shape, StartValues start);
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;
  ~Parameter();

  const std::string& name() const { return name_; }
  Role role() const { return role_; }
  const Shape& shape() const { return latent_.shape(); }
  int64_t size() const { return latent_.size(); }

  /// What a layer computes with at this moment, as a tensor of its own: for saving, counting,
  /// looking.
  Tensor effective_value() const;
  /// d(loss)/d(latent), undefined before the first backward.
  const Tensor& gradient() const { return latent_.grad(); }
  /// From now on the gradient of the effective value is kept too: that of weights that a mask keeps
  /// from being trained is in it.
  void keep_effective_gradient() { keeps_effective_gradient_ = true; }
  /// d(loss)/d(effective) of the last forward that had a backward, of a layer that computed several
  /// times the last; undefined before that and unless `keep_effective_gradient` was called.
  Tensor effective_gradient() const;
  /// The names of what optimizers keep for it, such as `momentum`; none before their first step.
  std::vector<std::string> slot_names() const;
  /// A copy of what optimizers keep by that name, of several the first. \throws Error if there is
  /// none
  Tensor slot_value(const std::string& name) const;
  /// Replaces the latent value, as loading does. \throws Error when the shape differs
  void load(const Tensor& value) { set_latent({}, value); }
  void zero_grad() { latent_.zero_grad(); }
  /// How often an optimizer has written to the latent value.
  int64_t updates() const { return updates_; }
  /// While it is held, optimizers leave it and their state as they are; the update counts.
  void hold(bool on) { held_ = on; }
  bool held() const { return held_; }

  /// Visits the stored value, the slots and the count of updates; not the gradient, which lives
  /// within a step. \throws Error when the value saved has another shape
  void visit_state(StateVisitor& state);

  /// Puts a transform into its stage. \throws Error if the stage is taken; that of masks never is
  void attach(std::shared_ptr<WeightTransform> transform);
  /// Takes this transform out, or all of a stage; what is not attached may be named too.
  void detach(const WeightTransform* transform);
  void detach(WeightTransform::Stage stage);
  /// The transform of a stage, of several the first attached; null if there is none.
  WeightTransform* transform(WeightTransform::Stage stage) const;
  /// What optimizers may move: an entry moves if every transform lets it. Undefined: all move.
  Mask trainable() const;
  /// The entries that every mask keeps: 1 for those and 0 for the rest, ones without masks.
  Tensor kept_by_masks() const;

  // What follows needs the pass-key.
  const Tensor& latent(const LatentAccess&) const { return latent_; }
  float* mutable_latent(const LatentAccess&);
  /// \throws Error when the shape differs
  void set_latent(const LatentAccess&, const Tensor& value);
  /// Back to start values, drawn from `random`; slots are dropped.
  void restart(const LatentAccess&, const RandomStream& random);
  /// The latent value through all transforms, recorded.
  Tensor effective(const LatentAccess&) const;
  void count_update(const LatentAccess&) { ++updates_; }
  /// Keeps these indices of an axis, in their order, and drops the rest: of the latent value, its
  /// gradient, what optimizers keep, and what attached transforms do. Graphs recorded before become
  /// useless, and `effective_gradient` is undefined until the next backward.
  /// \throws Error for no indices, an axis that is not there or an index out of range
  void keep(const LatentAccess&, int axis, std::span<const int64_t> indices);

  /// State that belongs to this parameter element by element, such as an optimizer's momentum; made
  /// of zeros when first asked for. `owner` tells optimizers of one model apart.
  float* slot(const LatentAccess&, int owner, const std::string& name);
  void drop_slots(const LatentAccess&, int owner);
  /// Sets latent value and all slots to zero where the mask's bit is 0.
  void zero_masked(const LatentAccess&, const Mask& mask);
  /// Sets all slots to zero where the mask's bit is 0.
  void zero_masked_slots(const LatentAccess&, const Mask& mask);

 private:
  std::string name_;
  Role role_;
  StartValues start_;
  Tensor latent_;
  std::vector<std::shared_ptr<WeightTransform>> transforms_;  // by stage
  std::map<std::pair<int, std::string>, Tensor> slots_;
  int64_t updates_ = 0;
  bool held_ = false;
  bool keeps_effective_gradient_ = false;
  mutable Tensor last_effective_;  // of the last forward, if its gradient is to be kept
};

}  // namespace espalier::nn
