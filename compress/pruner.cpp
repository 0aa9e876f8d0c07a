#include "espalier/compress/pruner.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

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

/// Floats of one sign compare like their bits.
uint32_t magnitude(float weight) {
  return std::bit_cast<uint32_t>(weight) & 0x7FFFFFFF;
}

/// Magnitude above, position below: one integer orders weights by magnitude and then by position.
uint64_t order_of(const Tensor& weight, int64_t i) {
  return uint64_t{magnitude(weight[i])} << 32 | static_cast<uint64_t>(i);
}

}  // namespace

void Pruner::read_rule(int rule, MapReader& options) {
  policies_.resize(static_cast<size_t>(rule) + 1, default_policy());
  policies_.back() = policy_named(
      options.choice("masked_weights", {"zero", "freeze", "train"}, name_of(default_policy())));
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

void Pruner::attach_layer(const LayerInfo& layer) {
  // A subclass may read its own options without passing the call on: then the default holds.
  const size_t rule = static_cast<size_t>(layer.rule);
  const MaskedWeights policy = rule < policies_.size() ? policies_[rule] : default_policy();
  masks_.push_back(std::make_shared<MaskTransform>(layer.shape, policy, name()));
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
  Mask mask;
  try {
    mask = Mask::from(wanted);
  } catch (const Error& error) {
    throw Error(name(), "calc_mask for layer '" + layer.name + "': " + error.what());
  }
  MaskTransform& transform = *masks_[static_cast<size_t>(layer.index)];
  if (mask == transform.mask()) return;
  transform.set_mask(mask);
  // Once, when the mask changes: from then on no gradient reaches these entries, and without
  // momentum an optimizer leaves a zero where it is.
  if (transform.policy() == MaskedWeights::zero) zero_masked(layer, mask);
  if (transform.policy() == MaskedWeights::freeze) zero_masked_state(layer, mask);
}

Tensor mask_smallest(const Tensor& weight, int64_t count) {
  if (count < 0 || count > weight.size()) {
    throw Error("mask", "cannot mask " + std::to_string(count) + " of " +
                            std::to_string(weight.size()) + " weights");
  }
  NewTensor mask(weight.shape());
  if (count == 0) {
    mask.fill(1.0f);
    return mask;
  }
  // One pass counts the leading bits of the magnitudes, which tells between which two the last one
  // to mask lies; only those near it need to be put in order.
  std::array<int64_t, 4096> counts{};
  constexpr int below_leading = 31 - 12;
  for (int64_t i = 0; i < weight.size(); ++i) ++counts[magnitude(weight[i]) >> below_leading];
  size_t leading = 0;
  int64_t smaller = 0;  // weights whose leading bits are less
  while (smaller + counts[leading] < count) smaller += counts[leading++];
  std::vector<uint64_t> near;
  near.reserve(static_cast<size_t>(counts[leading]));
  for (int64_t i = 0; i < weight.size(); ++i) {
    if (magnitude(weight[i]) >> below_leading == leading) near.push_back(order_of(weight, i));
  }
  const auto last = near.begin() + (count - smaller - 1);
  std::nth_element(near.begin(), last, near.end());
  for (int64_t i = 0; i < weight.size(); ++i) mask[i] = order_of(weight, i) <= *last ? 0.0f : 1.0f;
  return mask;
}

int64_t masked_count(double sparsity, int64_t n) {
  return static_cast<int64_t>(std::llround(sparsity * static_cast<double>(n)));
}

}  // namespace espalier::compress
