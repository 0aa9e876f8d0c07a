#include "espalier/compress/pruners/slim_pruner.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace espalier::compress {
namespace {

bool is_scale(const ChannelMember& member) {
  return member.part == ChannelMember::Part::norm && member.parameter &&
         member.parameter->role() == nn::Role::scale;
}

}  // namespace

/// Adds λ·sign(γ) to the gradient. Behind a concatenation a layer's γ belong to several groups,
/// each with a rule of its own, or none.
class SlimPruner::Penalty : public nn::WeightTransform {
 public:
  /// \param rules  by index of γ; −1: none
  Penalty(const SlimPruner& pruner, std::vector<int> rules)
      : pruner_(pruner), rules_(std::move(rules)) {}

  Stage stage() const override { return Stage::gradient; }
  std::string_view name() const override { return "SlimPruner"; }
  Tensor apply(const Tensor& scale) const override {
    const std::vector<float> lambdas = lambdas_now();
    if (std::all_of(lambdas.begin(), lambdas.end(), [](float l) { return l == 0; })) return scale;
    return record("slimming_penalty", {&scale}, scale.detach(), {},
                  [scale = Saved(scale), lambdas](const Tensor& g, InputGradients& into) {
                    const Tensor& value = scale.get("slimming_penalty");
                    into.add(0, Tensor::generate(g.shape(), [&](int64_t i) {
                               const float sign = value[i] > 0 ? 1.0f : value[i] < 0 ? -1.0f : 0.0f;
                               return g[i] + lambdas[static_cast<size_t>(i)] * sign;
                             }));
                  });
  }
  void keep(int, std::span<const int64_t> indices) override {
    std::vector<int> kept;
    for (const int64_t i : indices) kept.push_back(rules_[static_cast<size_t>(i)]);
    rules_ = std::move(kept);
  }

 private:
  /// By index of γ: that of its rule, as long as masks are to be made.
  std::vector<float> lambdas_now() const {
    std::vector<float> of_rules;
    for (size_t rule = 0; rule < pruner_.lambdas_.size(); ++rule) {
      const bool acts = pruner_.is_unfinished(static_cast<int>(rule));
      of_rules.push_back(acts ? static_cast<float>(pruner_.lambdas_[rule]) : 0);
    }
    std::vector<float> all;
    for (const int rule : rules_) all.push_back(rule < 0 ? 0 : of_rules[static_cast<size_t>(rule)]);
    return all;
  }

  const SlimPruner& pruner_;
  std::vector<int> rules_;
};

void SlimPruner::read_rule(int rule, MapReader& options) {
  ChannelPruner::read_rule(rule, options);
  lambdas_.resize(static_cast<size_t>(rule) + 1);
  lambdas_.back() = options.number(
      "lambda", {.min = 0, .fallback = 1e-4, .help = "the weight of the penalty on scales"});
}

std::vector<double> SlimPruner::score_filters(const std::string&, const Tensor& weight) {
  return std::vector<double>(static_cast<size_t>(weight.shape()[0]));
}

std::vector<double> SlimPruner::score_channels(const ChannelGroup& group) {
  std::vector<double> channels(static_cast<size_t>(group.channels));
  double scales = 0;
  for (const ChannelMember& member : group.members) {
    if (!is_scale(member)) continue;
    const Tensor& value = latent(*member.parameter);
    std::vector<double> magnitudes;
    for (const float scale : value.values()) magnitudes.push_back(std::abs(double{scale}));
    add_filter_scores(member, magnitudes, channels);
    scales += static_cast<double>(member.indices.front().size());
  }
  for (double& score : channels) score /= scales;
  return channels;
}

std::string SlimPruner::reason_to_leave_whole(const ChannelGroup& group) const {
  return std::any_of(group.members.begin(), group.members.end(), is_scale)
             ? ""
             : "it has no batch normalisation whose scales could tell";
}

void SlimPruner::on_rules_chosen() {
  std::map<nn::Parameter*, std::vector<int>> rules;
  for (const ChannelGroup& group : groups()) {
    if (rule_of(group) < 0) continue;
    for (const ChannelMember& member : group.members) {
      if (!is_scale(member)) continue;
      std::vector<int>& of_scales = rules[member.parameter];
      of_scales.resize(static_cast<size_t>(member.parameter->shape()[0]), -1);
      for (const std::vector<int64_t>& indices : member.indices) {
        for (const int64_t i : indices) of_scales[static_cast<size_t>(i)] = rule_of(group);
      }
    }
  }
  for (auto& [parameter, of_scales] : rules)
    put_on_parameter(*parameter, std::make_shared<Penalty>(*this, std::move(of_scales)));
}

std::vector<std::string> SlimPruner::notes() const {
  std::vector<std::string> all = ChannelPruner::notes();
  for (int rule = 0; rule < static_cast<int>(lambdas_.size()); ++rule) {
    if (!in_use(rule) || lambdas_[static_cast<size_t>(rule)] == 0) continue;
    if (times(rule).start > 0 || times(rule).count() > 1) continue;
    all.push_back(rule_name(rule) +
                  " chooses channels before the first training step, so its penalty never acts; a "
                  "later start_epoch gives it time");
  }
  return all;
}

}  // namespace espalier::compress
