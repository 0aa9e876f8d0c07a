#include "espalier/compress/pruner.h"

#include "espalier/autograd/core/error.h"

namespace espalier::compress {
namespace {

MaskedWeights policy_named(const std::string& name) {
  if (name == "freeze") return MaskedWeights::freeze;
  return name == "train" ? MaskedWeights::train : MaskedWeights::zero;
}

std::string name_of(MaskedWeights policy) {
  switch (policy) {
    case MaskedWeights::freeze:
      return "freeze";
    case MaskedWeights::train:
      return "train";
    case MaskedWeights::zero:
      break;
  }
  return "zero";
}

}  // namespace

void Pruner::read_rule(int rule, MapReader& options) {
  policies_.resize(static_cast<size_t>(rule) + 1, default_policy());
  policies_.back() = policy_named(
      options.choice("masked_weights", {"zero", "freeze", "train"}, name_of(default_policy()),
                     "what becomes of the stored value of a masked weight: zeroed, kept still, or "
                     "trained on so that it may come back"));
}

const Ranking& Pruner::read_ranking(int rule, MapReader& options) {
  rankings_.resize(static_cast<size_t>(rule) + 1);
  rankings_.back() = Ranking::read(options);
  return rankings_.back();
}

const Ranking& Pruner::ranking(int rule) const {
  static const Ranking by_default;
  return static_cast<size_t>(rule) < rankings_.size() ? rankings_[static_cast<size_t>(rule)]
                                                      : by_default;
}

Tensor Pruner::magnitude_mask(const LayerInfo& layer, const Tensor& weight, double sparsity) {
  const Ranking& how = ranking(layer.rule);
  if (sparsity == 0) return Tensor::full(weight.shape(), 1);
  if (!how.global) return mask_smallest({weight}, sparsity, how)[0];
  std::vector<Tensor> weights;
  size_t place = 0;  // of this layer among those of the rule
  for (const LayerInfo& other : layers()) {
    if (other.rule != layer.rule) continue;
    if (other.index == layer.index) place = weights.size();
    weights.push_back(other.index == layer.index ? weight : latent(other));
  }
  if (!together_) return mask_smallest(weights, sparsity, how)[place];
  std::vector<Tensor>& masks = (*together_)[{layer.rule, sparsity}];
  if (masks.empty()) masks = mask_smallest(weights, sparsity, how);
  return masks[place];
}

void Pruner::before_refresh() {
  std::vector<bool> due(rankings_.size());
  for (const LayerInfo& layer : layers()) {
    if (ranking(layer.rule).global && requested(layer)) due[static_cast<size_t>(layer.rule)] = true;
  }
  for (const LayerInfo& layer : layers()) {
    if (static_cast<size_t>(layer.rule) < due.size() && due[static_cast<size_t>(layer.rule)])
      request_refresh(layer);
  }
  together_.emplace();
  found_.clear();
}

void Pruner::after_refresh() {
  together_.reset();
}

void Pruner::on_attach_failed() {
  for (size_t i = 0; i < masks_.size(); ++i) layers()[i].parameter->detach(masks_[i].get());
  masks_.clear();
  found_.clear();
  together_.reset();
}

std::string Pruner::reason_to_leave_out(const LayerInfo& layer, int, int) const {
  return ranking(layer.rule).why_nothing_can_go(layer.shape);
}

std::string Pruner::rule_note(int rule) const {
  return ranking(rule).describe();
}

void Pruner::update_epoch(int epoch) {
  Compressor::update_epoch(epoch);
  request_refresh();
}

void Pruner::visit_state(nn::StateVisitor& state) {
  Compressor::visit_state(state);
  for (const LayerInfo& layer : layers()) {
    const nn::StateVisitor::Scope scope(state, layer.name);
    MaskTransform& transform = *masks_[static_cast<size_t>(layer.index)];
    Mask mask = transform.mask();
    state("mask", mask);
    if (!mask.defined()) throw Error("state", "there is no mask for layer '" + layer.name + "'");
    if (state.restores()) transform.set_mask(mask);
  }
}

MaskedWeights Pruner::policy(int rule) const {
  // A subclass may read its own options without passing the call on: then the default holds.
  const auto number = static_cast<size_t>(rule);
  return number < policies_.size() ? policies_[number] : default_policy();
}

void Pruner::attach_layer(const LayerInfo& layer) {
  masks_.push_back(std::make_shared<MaskTransform>(layer.shape, policy(layer.rule), name()));
  layer.parameter->attach(masks_.back());
}

void Pruner::refresh_layer(const LayerInfo& layer) {
  const Tensor wanted = calc_mask(layer, latent(layer));
  if (!wanted.defined() || wanted.shape() != layer.shape) {
    throw Error(name(),
                "calc_mask returned " +
                    (wanted.defined() ? "the shape " + wanted.shape().to_string() : "nothing") +
                    " for layer '" + layer.name + "', whose weight has the shape " +
                    layer.shape.to_string());
  }
  try {
    found_[layer.index] = Mask::from(wanted);
  } catch (const Error& error) {
    throw Error(name(), "calc_mask for layer '" + layer.name + "': " + error.what());
  }
}

void Pruner::apply_refresh(const LayerInfo& layer) {
  const Mask mask = std::move(found_.at(layer.index));
  found_.erase(layer.index);
  MaskTransform& transform = *masks_[static_cast<size_t>(layer.index)];
  if (mask == transform.mask()) return;
  transform.set_mask(mask);
  // Once, when the mask changes: from then on no gradient reaches these entries, and without
  // momentum an optimizer leaves a zero where it is.
  if (transform.policy() == MaskedWeights::zero) zero_masked(layer, mask);
  if (transform.policy() == MaskedWeights::freeze) zero_masked_state(layer, mask);
}

}  // namespace espalier::compress
