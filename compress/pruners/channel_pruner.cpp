#include "espalier/compress/pruners/channel_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/pruners/agp_pruner.h"

namespace espalier::compress {
namespace {

using Part = ChannelMember::Part;

bool makes_channels(const ChannelMember& member, const nn::Parameter& weight) {
  return member.part == Part::filters && member.parameter == &weight;
}

/// Zeroes what belongs to a channel.
void zero_channel(const ChannelMember& member, int64_t channel, const Shape& shape, float* values) {
  int64_t inner = 1, outer = 1;
  for (int i = 0; i < member.axis; ++i) outer *= shape[i];
  for (int i = member.axis + 1; i < shape.axes(); ++i) inner *= shape[i];
  for (const int64_t index : member.indices[static_cast<size_t>(channel)]) {
    for (int64_t o = 0; o < outer; ++o)
      std::fill_n(values + (o * shape[member.axis] + index) * inner, inner, 0.0f);
  }
}

bool is_masked_filter(const Mask& mask, int64_t filter) {
  const int64_t row = mask.size() / mask.shape()[0];
  for (int64_t i = filter * row; i < (filter + 1) * row; ++i) {
    if (mask[i]) return false;
  }
  return true;
}

}  // namespace

void add_filter_scores(const ChannelMember& member, const std::vector<double>& scores,
                       std::vector<double>& channels) {
  for (size_t c = 0; c < channels.size(); ++c) {
    for (const int64_t index : member.indices[c]) channels[c] += scores[static_cast<size_t>(index)];
  }
}

ChannelPruner::~ChannelPruner() {
  for (const auto& [parameter, transform] : placed_) parameter->detach(transform.get());
}

void ChannelPruner::on_attach_failed() {
  take_off();
  ScheduledPruner::on_attach_failed();
}

void ChannelPruner::take_off() {
  for (const auto& [parameter, transform] : placed_) parameter->detach(transform.get());
  for (const Extra& extra : extras_) extra.parameter->detach(extra.mask.get());
  placed_.clear();
  extras_.clear();
}

void ChannelPruner::read_rule(int rule, MapReader& options) {
  Pruner::read_rule(rule, options);
  Options read;
  read.sparsity = options.number(
      "sparsity", {.min = 0, .below = 1, .help = "the fraction of channels that go"});
  read.global = is_always_global() ||
                options.choice("scope", {"layer", "global"}, "layer",
                               "whether every group of channels loses that fraction, or all of the "
                               "rule together") == "global";
  read.multiple = options.integer(
      "multiple", {.min = 1,
                   .max = 1024,
                   .fallback = 16,
                   .help = "what stays in a group is a multiple of it, which kernels need to be "
                           "faster for it"});
  read_times(rule, options, End::optional, earliest_start());
  options_.resize(static_cast<size_t>(rule) + 1);
  options_.back() = read;
}

void ChannelPruner::preprocess_model(nn::Module& model) {
  if (!sample()) {
    throw Error(name(),
                "follows channels through the network and needs the shape of a sample for that: "
                "attach it with pruner(net, {32, 32, 3})");
  }
  groups_ = ChannelGroups(Graph::of(model, *sample())).all();
  original_.clear();
  gone_.clear();
  for (const ChannelGroup& group : groups_) {
    original_.push_back(group.channels);
    gone_.emplace_back(static_cast<size_t>(group.channels));
  }
}

std::string ChannelPruner::why_whole(const nn::Parameter& weight) const {
  std::string why = "the network does not use its weight";
  for (const ChannelGroup& group : groups_) {
    const auto& members = group.members;
    if (std::none_of(members.begin(), members.end(),
                     [&](const ChannelMember& member) { return makes_channels(member, weight); }))
      continue;
    why = group.pinned.empty() ? reason_to_leave_whole(group) : group.pinned;
    if (why.empty()) return why;
  }
  return why;
}

std::string ChannelPruner::reason_to_leave_out(const LayerInfo& layer, int, int) const {
  return why_whole(*layer.parameter);
}

void ChannelPruner::on_attached(nn::Module& model) {
  root_ = model.record();
  for (const LayerInfo& layer : layers()) {
    const std::string why = why_whole(*layer.parameter);
    if (why.empty()) continue;
    throw ConfigError(layer.options.position(), rule_name(layer.rule) + " names '" + layer.name +
                                                    "', which cannot lose channels: " + why);
  }
  follow_rules();
}

void ChannelPruner::follow_rules() {
  choose_rules();
  take_off();
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (rules_of_groups_[g] < 0) continue;
    for (const ChannelMember& member : groups_[g].members) {
      if (!member.parameter || mask_of(*member.parameter)) continue;
      Extra extra{member.name(), member.parameter, policy(rules_of_groups_[g]), {}};
      extra.mask = std::make_shared<MaskTransform>(member.parameter->shape(), extra.policy, name());
      member.parameter->attach(extra.mask);
      extras_.push_back(std::move(extra));
    }
  }
  on_rules_chosen();
}

void ChannelPruner::choose_rules() {
  rules_of_groups_.assign(groups_.size(), -1);
  left_whole_.clear();
  for (size_t g = 0; g < groups_.size(); ++g) {
    const ChannelGroup& group = groups_[g];
    if (!group.pinned.empty() || !reason_to_leave_whole(group).empty()) continue;
    const LayerInfo* chosen = nullptr;
    const ChannelMember* other = nullptr;  // that no rule chooses
    for (const ChannelMember& member : group.members) {
      if (member.part != Part::filters) continue;
      const auto layer = std::find_if(layers().begin(), layers().end(), [&](const LayerInfo& each) {
        return each.parameter == member.parameter;
      });
      if (layer == layers().end()) {
        other = &member;
      } else if (chosen && chosen->rule != layer->rule) {
        throw ConfigError(layer->options.position(),
                          rule_name(layer->rule) + " chooses '" + layer->name +
                              "', whose channels are cut together with those of '" + chosen->name +
                              "' (" + rule_name(chosen->rule) + "): one rule must choose both");
      } else {
        chosen = &*layer;
      }
    }
    if (!chosen) continue;
    if (other) {
      left_whole_.push_back(
          fmt::format("{} stays whole: its channels are cut together with those "
                      "of {}, which no rule chooses",
                      chosen->name, other->layer));
    } else if (original_[g] <= options(chosen->rule).multiple) {
      left_whole_.push_back(
          fmt::format("{} stays whole: it has {} channels, and what stays is a multiple of {}",
                      group.describe(), original_[g], options(chosen->rule).multiple));
    } else {
      rules_of_groups_[g] = chosen->rule;
    }
  }
}

double ChannelPruner::sparsity_at(int rule, int64_t time) const {
  const UpdateTimes& when = times(rule);
  const AGPruner::CubicSchedule schedule{0, options(rule).sparsity, when.start, when.end,
                                         when.frequency};
  return schedule.sparsity_at(time);
}

int64_t ChannelPruner::time_of(int rule) const {
  for (const LayerInfo& layer : layers()) {
    if (layer.rule == rule) return time(layer);
  }
  return 0;
}

bool ChannelPruner::is_unfinished(int rule) const {
  return times(rule).until(time_of(rule)) < times(rule).count();
}

const Mask* ChannelPruner::mask_of(const nn::Parameter& parameter) const {
  for (const LayerInfo& layer : layers()) {
    if (layer.parameter == &parameter) return &mask(layer);
  }
  for (const Extra& extra : extras_) {
    if (extra.parameter == &parameter) return &extra.mask->mask();
  }
  return nullptr;
}

std::vector<bool> ChannelPruner::gone_filters(const std::string& layer, int64_t filters) const {
  std::vector<bool> gone(static_cast<size_t>(filters));
  for (const LayerInfo& each : layers()) {
    if (each.name != layer || policy(each.rule) == MaskedWeights::train) continue;
    for (int64_t filter = 0; filter < filters; ++filter)
      gone[static_cast<size_t>(filter)] = is_masked_filter(mask(each), filter);
  }
  return gone;
}

bool ChannelPruner::is_masked(const ChannelGroup& group, int64_t channel) const {
  for (const ChannelMember& member : group.members) {
    if (member.part != Part::filters) continue;
    const Mask* mask = mask_of(*member.parameter);
    if (!mask) return false;
    for (const int64_t index : member.indices[static_cast<size_t>(channel)]) {
      if (!is_masked_filter(*mask, index)) return false;
    }
  }
  return true;
}

int64_t ChannelPruner::live_channels(const ChannelGroup& group) const {
  int64_t live = 0;
  for (int64_t c = 0; c < group.channels; ++c) live += is_masked(group, c) ? 0 : 1;
  return live;
}

std::vector<double> ChannelPruner::score_channels(const ChannelGroup& group) {
  std::vector<double> channels(static_cast<size_t>(group.channels));
  for (const ChannelMember& member : group.members) {
    if (member.part != Part::filters) continue;
    const std::vector<double> scores = score_filters(member.layer, latent(*member.parameter));
    if (static_cast<int64_t>(scores.size()) != member.parameter->shape()[0]) {
      throw Error(name(), fmt::format("score_filters returned {} scores for layer '{}', which has "
                                      "{} filters",
                                      scores.size(), member.layer, member.parameter->shape()[0]));
    }
    add_filter_scores(member, scores, channels);
  }
  return channels;
}

int64_t ChannelPruner::rounded(int64_t group, double channels) const {
  const int64_t multiple = options(rules_of_groups_[static_cast<size_t>(group)]).multiple;
  // (1 − 0.9)·240 is a little less than 24 in floating point; a tie is one all the same.
  const double steps = std::floor(channels / static_cast<double>(multiple) + 0.5 + 1e-9);
  const int64_t nearest = static_cast<int64_t>(steps) * multiple;
  return std::min(std::max(nearest, multiple), original_[static_cast<size_t>(group)]);
}

/// How many channels stay in each group of the rule; for the others all.
std::vector<int64_t> ChannelPruner::channels_to_keep(
    int rule, const std::vector<std::vector<double>>& scores) {
  const double sparsity = sparsity_at(rule, time_of(rule));
  std::vector<int64_t> keep;
  for (const ChannelGroup& group : groups_) keep.push_back(group.channels);
  if (sparsity == 0) return keep;
  struct Candidate {
    double score;
    size_t group;
  };
  std::vector<Candidate> pool;
  int64_t channels = 0, removed = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (rules_of_groups_[g] != rule) continue;
    if (!options(rule).global) {
      keep[g] =
          rounded(static_cast<int64_t>(g), (1 - sparsity) * static_cast<double>(original_[g]));
      continue;
    }
    channels += original_[g];
    removed += original_[g] - groups_[g].channels;
    double sum = 0;
    int64_t counted = 0;
    for (const double score : scores[g]) {
      if (!std::isfinite(score)) continue;  // masked already
      sum += score;
      ++counted;
    }
    const double mean = counted > 0 ? sum / static_cast<double>(counted) : 0;
    const double divisor = is_always_global() || !(mean > 0) ? 1 : mean;
    for (const double score : scores[g]) pool.push_back({score / divisor, g});
  }
  if (!options(rule).global) return keep;
  std::stable_sort(pool.begin(), pool.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score < b.score; });
  const auto wanted = std::llround(sparsity * static_cast<double>(channels)) - removed;
  std::vector<int64_t> left = keep;
  for (int64_t i = 0; i < std::min<int64_t>(wanted, static_cast<int64_t>(pool.size())); ++i)
    --left[pool[static_cast<size_t>(i)].group];
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (rules_of_groups_[g] == rule)
      keep[g] = rounded(static_cast<int64_t>(g), static_cast<double>(left[g]));
  }
  return keep;
}

void ChannelPruner::decide(int rule) {
  const bool comes_back = policy(rule) == MaskedWeights::train;
  std::vector<std::vector<double>> scores(groups_.size());
  if (sparsity_at(rule, time_of(rule)) > 0) {
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (rules_of_groups_[g] != rule) continue;
      scores[g] = score_channels(groups_[g]);
      for (int64_t c = 0; !comes_back && c < groups_[g].channels; ++c) {
        if (is_masked(groups_[g], c))
          scores[g][static_cast<size_t>(c)] = -std::numeric_limits<double>::infinity();
      }
    }
  }
  const std::vector<int64_t> keep = channels_to_keep(rule, scores);
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (rules_of_groups_[g] != rule) continue;
    std::vector<int64_t> order(static_cast<size_t>(groups_[g].channels));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (!scores[g].empty()) {
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return scores[g][static_cast<size_t>(a)] < scores[g][static_cast<size_t>(b)];
      });
    }
    for (int64_t i = 0; i < groups_[g].channels; ++i) {
      const int64_t c = order[static_cast<size_t>(i)];
      const bool goes = i < groups_[g].channels - keep[g];
      gone_[g][static_cast<size_t>(c)] = goes || (!comes_back && is_masked(groups_[g], c));
    }
  }
}

void ChannelPruner::before_refresh() {
  ScheduledPruner::before_refresh();
  std::vector<bool> due(options_.size());
  for (const LayerInfo& layer : layers()) {
    if (requested(layer)) due[static_cast<size_t>(layer.rule)] = true;
  }
  for (int rule = 0; rule < static_cast<int>(due.size()); ++rule) {
    if (due[static_cast<size_t>(rule)]) decide(rule);
  }
  // A channel that goes is masked where it is read as well, in layers of other rules too.
  request_refresh();
}

Tensor ChannelPruner::mask_from_decisions(const nn::Parameter& parameter) const {
  NewTensor result(parameter.shape());
  result.fill(1.0f);
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const ChannelMember& member : groups_[g].members) {
      if (member.parameter != &parameter) continue;
      for (int64_t c = 0; c < groups_[g].channels; ++c) {
        if (gone_[g][static_cast<size_t>(c)])
          zero_channel(member, c, parameter.shape(), result.data());
      }
    }
  }
  return result;
}

Tensor ChannelPruner::calc_mask(const LayerInfo& layer, const Tensor& weight) {
  ScheduledPruner::calc_mask(layer, weight);  // counts the update
  return mask_from_decisions(*layer.parameter);
}

Tensor ChannelPruner::scheduled_mask(const LayerInfo& layer, const Tensor&) {
  return mask_from_decisions(*layer.parameter);
}

void ChannelPruner::after_refresh() {
  ScheduledPruner::after_refresh();
  for (const Extra& extra : extras_) {
    const Mask wanted = Mask::from(mask_from_decisions(*extra.parameter));
    if (wanted == extra.mask->mask()) continue;
    extra.mask->set_mask(wanted);
    if (extra.policy == MaskedWeights::zero) zero_masked(*extra.parameter, wanted);
    if (extra.policy == MaskedWeights::freeze) zero_masked_state(*extra.parameter, wanted);
  }
  for (int rule = 0; rule < static_cast<int>(options_.size()); ++rule) {
    if (in_use(rule)) after_update(rule);
  }
}

void ChannelPruner::on_channels_removed(nn::Module& model) {
  if (model.record() != root_)
    throw Error(name(), "remove channels of the whole model that the pruner is attached to");
  groups_ = ChannelGroups(Graph::of(model, *sample())).all();
  if (groups_.size() != original_.size())
    throw Error(name(), "the groups of channels are others since channels have been removed");
  for (size_t g = 0; g < groups_.size(); ++g) {
    gone_[g].assign(static_cast<size_t>(groups_[g].channels), false);
    if (rules_of_groups_[g] < 0) continue;
    for (int64_t c = 0; c < groups_[g].channels; ++c)
      gone_[g][static_cast<size_t>(c)] = is_masked(groups_[g], c);
  }
}

void ChannelPruner::put_on_parameter(nn::Parameter& parameter,
                                     std::shared_ptr<nn::WeightTransform> transform) {
  parameter.attach(transform);
  placed_.emplace_back(&parameter, std::move(transform));
}

std::string ChannelPruner::rule_note(int rule) const {
  return options(rule).global ? "whole channels, over all layers" : "whole channels";
}

std::vector<std::string> ChannelPruner::notes() const {
  return left_whole_;
}

std::string ChannelPruner::reached(int rule, int64_t time) const {
  return fmt::format("sparsity is {:.3g}", sparsity_at(rule, time));
}

void ChannelPruner::visit_state(nn::StateVisitor& state) {
  ScheduledPruner::visit_state(state);
  const std::vector<int64_t> before = original_;
  state("channels", original_);
  if (original_.size() != groups_.size())
    throw Error(name(), "the state was saved for another network: its groups of channels differ");
  // A training may have begun with a network that was smaller than its configuration says.
  if (original_ != before) follow_rules();
  for (const Extra& extra : extras_) {
    const nn::StateVisitor::Scope scope(state, extra.path);
    Mask mask = extra.mask->mask();
    state("mask", mask);
    if (!mask.defined()) throw Error("state", "there is no mask for '" + extra.path + "'");
    if (state.restores()) extra.mask->set_mask(mask);
  }
  if (!state.restores()) return;
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (int64_t c = 0; rules_of_groups_[g] >= 0 && c < groups_[g].channels; ++c)
      gone_[g][static_cast<size_t>(c)] = is_masked(groups_[g], c);
  }
}

}  // namespace espalier::compress
