#include "espalier/compress/pruners/sensitivity_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "espalier/autograd/core/error.h"

namespace espalier::compress {

Tensor SensitivityPruner::scheduled_mask(const LayerInfo& layer, const Tensor& weight) {
  if (!has_turn(layer)) return mask(layer).to_tensor();
  double& deviation = thresholds_[static_cast<size_t>(layer.index)].deviation;
  if (deviation < 0 || !options_of(layer).dense_deviation) deviation = standard_deviation(weight);
  return mask_up_to(weight, *sensitivity(layer) * deviation, ranking(layer.rule));
}

Tensor SensitivityPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  thresholds_.resize(layers().size());
  // Without a threshold the layer is dense, and its update remains due.
  if (!sensitivity(layer)) return Tensor::full(weight.shape(), 1);
  return ScheduledPruner::calc_mask(layer, weight);
}

void SensitivityPruner::update_epoch(int epoch) {
  ScheduledPruner::update_epoch(epoch);
  find_missing();
}

void SensitivityPruner::on_update() {
  ScheduledPruner::on_update();
  find_missing();
}

bool SensitivityPruner::has_turn(const LayerInfo& layer) const {
  if (!options_of(layer).alternates) return true;
  return (times(layer.rule).until(time(layer)) % 2 == 1) == (layer.type == "Linear");
}

void SensitivityPruner::on_attached(nn::Module& model) {
  ScheduledPruner::on_attached(model);
  dropout_ = DropoutScaling(model);
}

void SensitivityPruner::after_refresh() {
  ScheduledPruner::after_refresh();
  set_retraining();
}

void SensitivityPruner::on_attach_failed() {
  ScheduledPruner::on_attach_failed();
  thresholds_.clear();
}

void SensitivityPruner::set_retraining() {
  for (const LayerInfo& layer : layers()) {
    if (!options_of(layer).alternates) continue;
    const int64_t made = times(layer.rule).until(time(layer));
    const bool waits = made > 0 && made < times(layer.rule).count() && !has_turn(layer);
    for (const auto& parameter : layer.module->parameters) parameter->hold(waits);
  }
  dropout_.apply([&](const std::string& path) {
    for (const LayerInfo& layer : layers()) {
      if (layer.name != path || !options_of(layer).scales_dropout) continue;
      return static_cast<double>(mask(layer).count()) / static_cast<double>(mask(layer).size());
    }
    return 1.0;
  });
}

void SensitivityPruner::find_missing() {
  const auto found = std::find_if(layers().begin(), layers().end(),
                                  [&](const LayerInfo& layer) { return needs_threshold(layer); });
  if (found == layers().end()) return;
  if (!search_) {
    throw Error(
        rule_name(found->rule),
        fmt::format("'sparsity: {}' is a goal, whose thresholds must be found by measuring, "
                    "and there is no evaluator to measure with: pass one to set_search(), "
                    "call set_thresholds() before the first update, or give 'sensitivity'",
                    *sparsity_goal(*found)));
  }
  // Another rule's time may not have come: its thresholds are those of the weights of then.
  std::vector<bool> needed;
  for (const LayerInfo& layer : layers()) needed.push_back(needs_threshold(layer));
  const std::vector<Threshold> before = thresholds_;
  set_thresholds(search_(*this));
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) thresholds_[i].sensitivity = before[i].sensitivity;
  }
}

void SensitivityPruner::set_thresholds(const std::vector<double>& sensitivities) {
  if (!attached()) throw Error(name(), "is not attached to a model; thresholds are by its layers");
  if (sensitivities.size() != layers().size()) {
    throw Error(name(), fmt::format("{} thresholds were given for {} layers", sensitivities.size(),
                                    layers().size()));
  }
  for (size_t i = 0; i < sensitivities.size(); ++i) {
    if (sensitivities[i] >= 0 && std::isfinite(sensitivities[i])) continue;
    throw Error(name(),
                fmt::format("the threshold of layer '{}' must be a number of at least 0, not {}",
                            layers()[i].name, sensitivities[i]));
  }
  for (size_t i = 0; i < sensitivities.size(); ++i) thresholds_[i].sensitivity = sensitivities[i];
}

std::optional<double> SensitivityPruner::sensitivity(const LayerInfo& layer) const {
  if (options_of(layer).sensitivity) return options_of(layer).sensitivity;
  const double found = thresholds_[static_cast<size_t>(layer.index)].sensitivity;
  return found < 0 ? std::nullopt : std::optional(found);
}

std::optional<double> SensitivityPruner::deviation(const LayerInfo& layer) const {
  const double found = thresholds_[static_cast<size_t>(layer.index)].deviation;
  return found < 0 ? std::nullopt : std::optional(found);
}

void SensitivityPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  const Ranking& how = read_ranking(rule, options);
  if (how.is_pattern())
    options.fail("granularity", "cannot be a pattern, which leaves a threshold nothing to decide");
  if (how.global) options.fail("scope", "cannot be global: each layer has its own threshold");
  read_times(rule, options, End::open);
  options_.resize(static_cast<size_t>(rule) + 1);
  Options& read = options_.back();
  constexpr std::string_view help =
      "the sparsity of the rule's layers together, as a goal for "
      "which thresholds are found; instead of sensitivity";
  const bool is_goal = options.find("sparsity", help) != nullptr;
  if (is_goal) {
    if (options.has("sensitivity"))
      options.fail("sparsity", "is a goal and 'sensitivity' a threshold; give one of them");
    read.sparsity = options.number("sparsity", {.min = 0, .below = 1, .help = help});
  } else {
    read.sensitivity = options.number(
        "sensitivity",
        {.above = 0, .help = "the threshold, in standard deviations of the layer's weights"});
  }
  read.dense_deviation =
      options.choice("std", {"dense", "current"}, "dense",
                     "when the deviation is taken: at the first update, or at each, zeros "
                     "included") == "dense";
  read.alternates =
      options.choice("retrain", {"all", "alternate"}, "all",
                     "what is trained between updates: everything, or fully connected layers and "
                     "convolutions in turn, the others held still") == "alternate";
  read.scales_dropout = options.boolean(
      "scale_dropout", false,
      "whether dropout behind a layer shrinks with the root of its connections left");
}

void SensitivityPruner::visit_state(nn::StateVisitor& state) {
  ScheduledPruner::visit_state(state);
  for (const LayerInfo& layer : layers()) {
    const nn::StateVisitor::Scope scope(state, layer.name);
    Threshold& threshold = thresholds_[static_cast<size_t>(layer.index)];
    state("sensitivity", threshold.sensitivity);
    state("deviation", threshold.deviation);
  }
  if (state.restores()) set_retraining();
}

std::string SensitivityPruner::rule_note(int rule) const {
  const Options& options = options_[static_cast<size_t>(rule)];
  const std::string groups = Pruner::rule_note(rule);
  const std::string threshold =
      options.sparsity ? fmt::format("thresholds found for sparsity {:g}", *options.sparsity)
                       : fmt::format("|w| ≤ {:g}·σ", *options.sensitivity);
  return groups.empty() ? threshold : groups + ", " + threshold;
}

std::vector<std::string> SensitivityPruner::findings() const {
  std::vector<std::string> sentences;
  for (const LayerInfo& layer : layers()) {
    if (!deviation(layer)) continue;
    const double q = *sensitivity(layer), percent = 100.0 / static_cast<double>(mask(layer).size());
    std::string text =
        fmt::format("{}: |w| ≤ {:.3g}·σ = {:.3g} masks {:.1f} %", layer.name, q,
                    q * *deviation(layer), percent * static_cast<double>(mask(layer).masked()));
    if (ranking(layer.rule).group == Ranking::Group::element)
      text += fmt::format(", Gaussian weights: {:.1f} %", 100 * std::erf(q / std::numbers::sqrt2));
    sentences.push_back(std::move(text));
  }
  return sentences;
}

double SensitivityPruner::present_deviation(const LayerInfo& layer) const {
  return standard_deviation(latent(layer));
}

double standard_deviation(const Tensor& x) {
  const double n = static_cast<double>(x.size());
  double sum = 0, squares = 0;
  for (const float value : x.values()) sum += double{value};
  for (const float value : x.values())
    squares += (double{value} - sum / n) * (double{value} - sum / n);
  return std::sqrt(squares / n);
}

}  // namespace espalier::compress
