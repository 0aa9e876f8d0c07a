#include "espalier/compress/pruners/slim_pruner.h"

#include <algorithm>
#include <cmath>

namespace espalier::compress {
namespace {

bool is_scale(const ChannelMember& member) {
  return member.part == ChannelMember::Part::norm && member.parameter &&
         member.parameter->role() == nn::Role::scale;
}

}  // namespace

/// Adds λ·sign(γ) to the gradient.
class SlimPruner::Penalty : public nn::WeightTransform {
 public:
  Penalty(const SlimPruner& pruner, int rule) : pruner_(pruner), rule_(rule) {}

  Stage stage() const override { return Stage::gradient; }
  std::string_view name() const override { return "SlimPruner"; }
  Tensor apply(const Tensor& scale) const override {
    if (!pruner_.is_unfinished(rule_)) return scale;
    const auto lambda = static_cast<float>(pruner_.lambdas_[static_cast<size_t>(rule_)]);
    return record("slimming_penalty", {&scale}, scale.detach(), {},
                  [scale = Saved(scale), lambda](const Tensor& g, InputGradients& into) {
                    const Tensor& value = scale.get("slimming_penalty");
                    into.add(0, Tensor::generate(g.shape(), [&](int64_t i) {
                               const float sign = value[i] > 0 ? 1.0f : value[i] < 0 ? -1.0f : 0.0f;
                               return g[i] + lambda * sign;
                             }));
                  });
  }

 private:
  const SlimPruner& pruner_;
  int rule_;
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
  for (const ChannelGroup& group : groups()) {
    if (rule_of(group) < 0) continue;
    for (const ChannelMember& member : group.members) {
      if (is_scale(member))
        put_on_parameter(*member.parameter, std::make_shared<Penalty>(*this, rule_of(group)));
    }
  }
}

}  // namespace espalier::compress
