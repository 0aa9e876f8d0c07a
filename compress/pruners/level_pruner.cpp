#include "espalier/compress/pruners/level_pruner.h"

namespace espalier::compress {

Tensor LevelPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  return mask_smallest(
      weight, masked_count(options_[static_cast<size_t>(layer.rule)].sparsity, weight.size()));
}

void LevelPruner::on_update() {
  last_refresh_.resize(layers().size(), 0);
  for (const LayerInfo& layer : layers()) {
    const std::optional<int64_t> frequency = options_[static_cast<size_t>(layer.rule)].frequency;
    int64_t& last = last_refresh_[static_cast<size_t>(layer.index)];
    if (!frequency || updates() - last < *frequency) continue;
    last = updates();
    request_refresh(layer);
  }
}

void LevelPruner::visit_state(nn::StateVisitor& state) {
  Pruner::visit_state(state);
  state("last_refresh", last_refresh_);
}

void LevelPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  options_.resize(static_cast<size_t>(rule) + 1);
  Options& read = options_.back();
  read.sparsity = options.number("sparsity", {.min = 0, .below = 1});
  const Value* frequency = options.find("frequency");
  if (frequency && frequency->is_text() && frequency->as_text() == "once") return;
  if (frequency && frequency->is_text()) {
    options.fail("frequency",
                 "must be a number of updates or 'once', not " + frequency->describe());
  }
  read.frequency = options.integer("frequency", {.min = 1, .fallback = 16});
}

}  // namespace espalier::compress
