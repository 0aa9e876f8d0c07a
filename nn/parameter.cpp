#include "espalier/nn/parameter.h"

#include <algorithm>
#include <sstream>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/keep_indices.h"

namespace espalier::nn {
namespace {

void zero_where_masked(const Mask& mask, float* values) {
  for (int64_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) values[i] = 0.0f;
  }
}

Mask both(const Mask& a, const Mask& b) {
  std::vector<uint64_t> words(a.words(), a.words() + (a.size() + 63) / 64);
  for (size_t i = 0; i < words.size(); ++i) words[i] &= b.words()[i];
  return Mask::from_words(a.shape(), std::move(words));
}

}  // namespace

Parameter::Parameter(std::string name, Role role, const Shape& shape, StartValues start)
    : name_(std::move(name)),
      role_(role),
      start_(std::move(start)),
      latent_(start_(shape, Engine::current().next_start_values())) {
  latent_.require_grad();
}

Parameter::~Parameter() = default;

Tensor Parameter::effective_value() const {
  NoGrad no_grad;
  const Tensor value = effective({});
  // Without transforms that is the latent value itself, which the next update would change.
  return value.storage() == latent_.storage() ? Tensor::from(value.shape(), value.values())
                                              : value.detach();
}

Tensor Parameter::effective_gradient() const {
  return last_effective_.defined() ? last_effective_.grad() : Tensor();
}

std::vector<std::string> Parameter::slot_names() const {
  std::vector<std::string> names;
  for (const auto& [key, slot] : slots_) {
    if (std::find(names.begin(), names.end(), key.second) == names.end())
      names.push_back(key.second);
  }
  return names;
}

Tensor Parameter::slot_value(const std::string& name) const {
  std::string known;
  for (const auto& [key, slot] : slots_) {
    if (key.second == name) return Tensor::from(slot.shape(), slot.values());
    known += (known.empty() ? "" : ", ") + key.second;
  }
  throw Error("parameter",
              "optimizers keep no '" + name + "' for '" + name_ + "'" +
                  (known.empty() ? ", nor anything else yet" : "; they keep " + known));
}

void Parameter::visit_state(StateVisitor& state) {
  const auto visit_fitting = [&](const std::string& name, Tensor& value) {
    state(name, value);
    if (!value.defined()) throw Error("state", "nothing was saved for '" + name_ + "'");
    if (value.shape() == shape()) return;
    throw Error("state", "what was saved for '" + name_ + "' has the shape " +
                             value.shape().to_string() + ", the parameter's is " +
                             shape().to_string());
  };
  Tensor latent = latent_;
  visit_fitting("latent", latent);
  if (state.restores()) set_latent({}, latent);
  state("updates", updates_);

  // Slots come to be as optimizers ask for them, so which there are is part of the state.
  std::string keys;
  for (const auto& [key, slot] : slots_) keys += std::to_string(key.first) + "." + key.second + " ";
  state("slots", keys);
  if (state.restores()) {
    slots_.clear();
    std::istringstream words(keys);
    for (std::string word; words >> word;) {
      const size_t dot = word.find('.');
      slots_[{std::stoi(word), word.substr(dot + 1)}] = {};
    }
  }
  for (auto& [key, slot] : slots_)
    visit_fitting("slot." + std::to_string(key.first) + "." + key.second, slot);
}

void Parameter::attach(std::shared_ptr<WeightTransform> transform) {
  const WeightTransform* present = this->transform(transform->stage());
  if (present != nullptr && transform->stage() != WeightTransform::Stage::mask) {
    throw Error("parameter", "'" + name_ + "' already has the transform " +
                                 std::string(present->name()) + " where " +
                                 std::string(transform->name()) + " would go; detach it first");
  }
  transforms_.push_back(std::move(transform));
  std::stable_sort(transforms_.begin(), transforms_.end(),
                   [](const auto& a, const auto& b) { return a->stage() < b->stage(); });
}

void Parameter::detach(const WeightTransform* transform) {
  std::erase_if(transforms_, [&](const auto& each) { return each.get() == transform; });
}

void Parameter::detach(WeightTransform::Stage stage) {
  std::erase_if(transforms_, [&](const auto& transform) { return transform->stage() == stage; });
}

WeightTransform* Parameter::transform(WeightTransform::Stage stage) const {
  for (const auto& transform : transforms_) {
    if (transform->stage() == stage) return transform.get();
  }
  return nullptr;
}

Mask Parameter::trainable() const {
  Mask all;
  for (const auto& transform : transforms_) {
    const Mask movable = transform->trainable();
    if (movable.defined()) all = all.defined() ? both(all, movable) : movable;
  }
  return all;
}

Tensor Parameter::kept_by_masks() const {
  NoGrad no_grad;
  Tensor kept = Tensor::full(shape(), 1.0f);
  for (const auto& transform : transforms_) {
    if (transform->stage() == WeightTransform::Stage::mask) kept = transform->apply(kept);
  }
  return kept;
}

float* Parameter::mutable_latent(const LatentAccess&) {
  return latent_.mutable_data(MutationKey());
}

void Parameter::set_latent(const LatentAccess& access, const Tensor& value) {
  if (value.shape() != shape()) {
    throw Error("parameter", "'" + name_ + "' has shape " + shape().to_string() + ", not " +
                                 value.shape().to_string());
  }
  std::copy_n(value.data(), value.size(), mutable_latent(access));
}

void Parameter::restart(const LatentAccess& access, const RandomStream& random) {
  set_latent(access, start_(shape(), random));
  slots_.clear();
}

Tensor Parameter::effective(const LatentAccess&) const {
  Tensor value = latent_;
  const auto is_mask = [](const auto& transform) {
    return transform->stage() == WeightTransform::Stage::mask;
  };
  bool zeros_kept = true;
  for (const auto& transform : transforms_) {
    value = transform->apply(value);
    zeros_kept = zeros_kept && (is_mask(transform) || transform->preserves_zero());
  }
  if (!zeros_kept) {
    for (const auto& transform : transforms_) {
      if (is_mask(transform)) value = transform->apply(value);
    }
  }
  if (keeps_effective_gradient_ && value.requires_grad()) {
    value.retain_grad();
    last_effective_ = value;
  }
  return value;
}

float* Parameter::slot(const LatentAccess&, int owner, const std::string& name) {
  Tensor& slot = slots_[{owner, name}];
  if (!slot.defined()) slot = Tensor::zeros(shape());
  return slot.mutable_data(MutationKey());
}

void Parameter::drop_slots(const LatentAccess&, int owner) {
  std::erase_if(slots_, [&](const auto& slot) { return slot.first.first == owner; });
}

void Parameter::keep(const LatentAccess&, int axis, std::span<const int64_t> indices) {
  if (indices.empty()) throw Error("parameter", "'" + name_ + "' cannot lose all of an axis");
  Tensor kept = keep_indices(latent_, axis, indices);
  kept.require_grad();
  if (latent_.grad().defined())
    kept.graph()->gradient = keep_indices(latent_.grad(), axis, indices);
  for (auto& [key, slot] : slots_) slot = keep_indices(slot, axis, indices);
  for (const auto& transform : transforms_) transform->keep(axis, indices);
  latent_ = std::move(kept);
  last_effective_ = {};
}

void Parameter::zero_masked(const LatentAccess& access, const Mask& mask) {
  zero_where_masked(mask, mutable_latent(access));
  zero_masked_slots(access, mask);
}

void Parameter::zero_masked_slots(const LatentAccess&, const Mask& mask) {
  for (auto& [key, slot] : slots_) zero_where_masked(mask, slot.mutable_data(MutationKey()));
}

}  // namespace espalier::nn
