#include "espalier/compress/pruners/level_pruner.h"

#include <algorithm>

#include "espalier/compress/late_start.h"

namespace espalier::compress {

Tensor LevelPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  last_masks_.resize(layers().size(), -1);
  if (epoch() < options_of(layer).start_epoch) return Tensor::full(weight.shape(), 1);
  last_masks_[static_cast<size_t>(layer.index)] = updates();
  return magnitude_mask(layer, weight, options_of(layer).sparsity);
}

void LevelPruner::update_epoch(int epoch) {
  Compressor::update_epoch(epoch);
  for (const LayerInfo& layer : layers()) {
    const bool has_mask = last_masks_[static_cast<size_t>(layer.index)] >= 0;
    if (!has_mask && epoch >= options_of(layer).start_epoch) request_refresh(layer);
  }
}

void LevelPruner::on_update() {
  for (const LayerInfo& layer : layers()) {
    const std::optional<int64_t> frequency = options_of(layer).frequency;
    const int64_t last = last_masks_[static_cast<size_t>(layer.index)];
    if (frequency && last >= 0 && updates() - last >= *frequency) request_refresh(layer);
  }
}

bool LevelPruner::waits_for_epoch() const {
  return std::count(last_masks_.begin(), last_masks_.end(), -1) > 0;
}

std::vector<ScheduleEnd> LevelPruner::schedule_ends(int64_t epochs, int64_t steps_per_epoch) const {
  std::vector<ScheduleEnd> ends;
  for (int rule = 0; rule < static_cast<int>(options_.size()); ++rule) {
    const LateStart start{options_[static_cast<size_t>(rule)].start_epoch, true, "start_epoch",
                          "its start", "nothing is masked"};
    if (in_use(rule) && is_late(start, epochs, steps_per_epoch))
      ends.push_back(end_of(start, rule, epochs, steps_per_epoch));
  }
  return ends;
}

std::optional<double> LevelPruner::target_sparsity(const LayerInfo& layer) const {
  const auto index = static_cast<size_t>(layer.index);
  const bool has_mask = index < last_masks_.size() && last_masks_[index] >= 0;
  return has_mask ? options_of(layer).sparsity : 0.0;
}

void LevelPruner::visit_state(nn::StateVisitor& state) {
  Pruner::visit_state(state);
  state("last_masks", last_masks_);
}

void LevelPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  const Ranking& ranking = read_ranking(rule, options);
  options_.resize(static_cast<size_t>(rule) + 1);
  Options& read = options_.back();
  read.sparsity = ranking.read_sparsity(options, "sparsity", "the fraction of weights to mask");
  read.start_epoch = options.integer(
      "start_epoch",
      {.min = 0, .max = 1000000, .fallback = 0, .help = "the layer is dense before this epoch"});
  constexpr std::string_view help = "optimizer updates between masks, or 'once'";
  const Value* frequency =
      options.find("frequency", {.allowed = "an integer of at least 1, or once", .help = help});
  if (frequency && frequency->is_text() && frequency->as_text() == "once") return;
  if (frequency && frequency->is_text()) {
    options.fail("frequency",
                 "must be a number of updates or 'once', not " + frequency->describe());
  }
  read.frequency = options.integer("frequency", {.min = 1, .fallback = 16, .help = help});
}

}  // namespace espalier::compress
