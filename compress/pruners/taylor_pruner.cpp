#include "espalier/compress/pruners/taylor_pruner.h"

#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/keep_indices.h"

namespace espalier::compress {

/// Leaves a weight as it is and looks at its gradient.
class TaylorPruner::Watch : public nn::WeightTransform {
 public:
  Watch(const TaylorPruner& pruner, int rule, int64_t filters)
      : pruner_(pruner), rule_(rule), sums_(Tensor::zeros({filters})) {}

  Stage stage() const override { return Stage::gradient; }
  std::string_view name() const override { return "TaylorPruner"; }
  Tensor apply(const Tensor& weight) const override {
    if (!pruner_.is_unfinished(rule_)) return weight;
    return record("taylor_importance", {&weight}, weight.detach(), {},
                  [this, weight = Saved(weight)](const Tensor& g, InputGradients& into) {
                    look_at(weight.get("taylor_importance"), g);
                    into.add(0, g);
                  });
  }
  void keep(int axis, std::span<const int64_t> indices) override {
    if (axis == 0) sums_ = nn::keep_indices(sums_, 0, indices);
  }

  int rule() const { return rule_; }
  int64_t batches() const { return batches_; }
  std::vector<double> mean() const {
    std::vector<double> scores;
    for (const float sum : sums_.values())
      scores.push_back(double{sum} / static_cast<double>(batches_));
    return scores;
  }
  void forget() {
    sums_ = Tensor::zeros(sums_.shape());
    batches_ = 0;
  }
  void visit_state(nn::StateVisitor& state) {
    state("sums", sums_);
    state("batches", batches_);
  }

 private:
  void look_at(const Tensor& weight, const Tensor& g) const {
    const int64_t filters = weight.shape()[0], elements = weight.size() / filters;
    ++batches_;
    sums_ = Tensor::generate({filters}, [&](int64_t filter) {
      double sum = 0;
      for (int64_t i = filter * elements; i < (filter + 1) * elements; ++i)
        sum += double{g[i]} * double{weight[i]};
      return static_cast<float>(double{sums_[filter]} + sum * sum);
    });
  }

  const TaylorPruner& pruner_;
  int rule_;
  // `apply` changes nothing that a layer computes with.
  mutable Tensor sums_;
  mutable int64_t batches_ = 0;
};

void TaylorPruner::on_rules_chosen() {
  watches_.clear();
  updates_seen_.resize(rules().empty() ? 1 : rules().size());
  for (const ChannelGroup& group : groups()) {
    if (rule_of(group) < 0) continue;
    for (const ChannelMember& member : group.members) {
      if (member.part != ChannelMember::Part::filters || watches_.contains(member.layer)) continue;
      auto watch = std::make_shared<Watch>(*this, rule_of(group), member.parameter->shape()[0]);
      put_on_parameter(*member.parameter, watch);
      watches_[member.layer] = std::move(watch);
    }
  }
}

std::vector<double> TaylorPruner::score_filters(const std::string& layer, const Tensor&) {
  const Watch& watch = *watches_.at(layer);
  if (watch.batches() == 0) {
    throw Error(name(), "has seen no gradient of layer '" + layer +
                            "' yet: there must be training steps before each of its updates");
  }
  return watch.mean();
}

void TaylorPruner::after_update(int rule) {
  int64_t now = 0;
  for (const LayerInfo& layer : layers()) {
    if (layer.rule == rule) now = times(rule).until(time(layer));
  }
  int64_t& seen = updates_seen_[static_cast<size_t>(rule)];
  if (now == seen) return;
  seen = now;
  for (const auto& [layer, watch] : watches_) {
    if (watch->rule() == rule) watch->forget();
  }
}

void TaylorPruner::visit_state(nn::StateVisitor& state) {
  ChannelPruner::visit_state(state);
  state("updates_seen", updates_seen_);
  for (const auto& [layer, watch] : watches_) {
    const nn::StateVisitor::Scope scope(state, layer + ".importance");
    watch->visit_state(state);
  }
}

}  // namespace espalier::compress
