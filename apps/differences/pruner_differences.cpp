// What becomes of a pruner when its code differs from its paper in one place, measured by training.
// Each difference was found in a toolkit that people use; here it is made on purpose, in a class
// derived from ours where that is possible, and everything else is the same.
//
//   pruner_differences [--data FOLDER] [--epochs N] [--seeds N] [--pictures N] [PART …]
//
// prints a line for each: see `differences::print`.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "measuring.h"

using namespace espalier;
using namespace espalier::compress;
using namespace differences;

namespace {

using Percent = std::vector<double>;

double zeros_of(const nn::Module& net) {
  return 100 * total_sparsity(layer_sparsities(net)).sparsity();
}

/// Accuracies and sparsities of fresh networks that are trained so, by seed.
struct Outcome {
  Percent accuracy, zeros;
};
Outcome outcome(const Laboratory& lab, const Laboratory::Training& how) {
  Outcome result;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
    result.accuracy.push_back(lab.train(net, static_cast<uint64_t>(seed), how));
    result.zeros.push_back(zeros_of(net));
  }
  return result;
}

// --- Which weights are masked -------------------------------------------------------------------

/// AGP that ranks w in place of |w|: the most negative go first.
class SignedAgp : public AGPruner {
 public:
  using AGPruner::AGPruner;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
    const float low = value_range(weight).low;
    return AGPruner::calc_mask(
        layer, Tensor::generate(weight.shape(), [&](int64_t i) { return weight[i] - low; }));
  }
};

/// All layers ranked together by |w| alone, without regard to how large a layer's weights are.
class RawGlobal : public ScheduledPruner {
 public:
  RawGlobal(Rules rules) : ScheduledPruner(std::move(rules)) {}

 private:
  void read_rule(int rule, MapReader& options) override {
    ScheduledPruner::read_rule(rule, options);
    const UpdateTimes& times = read_times(rule, options);
    schedule_ = {0, options.number("final_sparsity", {.min = 0, .below = 1}), times.start,
                 times.end, times.frequency};
  }
  Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) override {
    std::vector<float> all;
    for (const LayerInfo& each : layers())
      for (const float w : latent(each).values()) all.push_back(std::abs(w));
    const int64_t count =
        masked_count(schedule_.sparsity_at(time(layer)), static_cast<int64_t>(all.size()));
    if (count == 0) return Tensor::full(weight.shape(), 1);
    std::nth_element(all.begin(), all.begin() + (count - 1), all.end());
    return mask_up_to(weight, double{all[static_cast<size_t>(count - 1)]}, Ranking{});
  }
  AGPruner::CubicSchedule schedule_{};
};

Value agp(const Laboratory& lab, double sparsity) {
  return Value::map(
      {{"final_sparsity", sparsity}, {"start_epoch", 0}, {"end_epoch", lab.epochs() - 1}});
}

void rankings(const Laboratory& lab) {
  const Value rule = agp(lab, 0.95);
  print({"AGP to 95 %, accuracy", "the smallest w in place of the smallest magnitudes",
         lab.accuracies({.attach = attaching<AGPruner>(rule)}),
         lab.accuracies({.attach = attaching<SignedAgp>(rule)})});
  for (const double sparsity : {0.98, 0.99}) {
    Value global = agp(lab, sparsity);
    const auto raw = attaching<RawGlobal>(global);
    global.set("scope", "global");
    char what[80];
    std::snprintf(what, sizeof what, "AGP to %.0f %%, all layers together, accuracy",
                  100 * sparsity);
    print({what, "ranked by |w| in place of |w|·fan_in^¼",
           lab.accuracies({.attach = attaching<AGPruner>(global)}),
           lab.accuracies({.attach = raw})});
  }
}

// --- When masks are made ------------------------------------------------------------------------

void fixed_masks(const Laboratory& lab) {
  struct Case {
    double sparsity;
    int longer;  // times the usual epochs
  };
  for (const auto [sparsity, longer] : {Case{0.9, 1}, {0.9, 3}, {0.98, 1}}) {
    Value rule = Value::map({{"sparsity", sparsity}});
    const auto following = attaching<LevelPruner>(rule);
    rule.set("frequency", "once");
    const int epochs = longer * lab.epochs();
    char what[80];
    std::snprintf(what, sizeof what, "level %.0f %%, %d epochs, accuracy", 100 * sparsity, epochs);
    print({what, "one mask, of the start weights",
           lab.accuracies({.attach = following, .epochs = epochs}),
           lab.accuracies({.attach = attaching<LevelPruner>(rule), .epochs = epochs})});
  }
  Value rule = Value::map({{"granularity", "1:8"}});
  const auto following = attaching<LevelPruner>(rule);
  rule.set("frequency", "once");
  print({"1 of 8 weights, accuracy", "the pattern fixed in the first step",
         lab.accuracies({.attach = following}),
         lab.accuracies({.attach = attaching<LevelPruner>(rule)})});
}

/// σ over the weights that are left, at each update.
class SurvivorDeviation : public SensitivityPruner {
 public:
  using SensitivityPruner::SensitivityPruner;

 private:
  Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) override {
    std::vector<float> left;
    for (const float w : weight.values())
      if (w != 0) left.push_back(w);
    if (left.empty()) return Tensor::zeros(weight.shape());
    const Tensor survivors = Tensor::from({static_cast<int64_t>(left.size())}, left);
    return mask_up_to(weight, *sensitivity(layer) * standard_deviation(survivors), Ranking{});
  }
};

void survivors(const Laboratory& lab) {
  for (const double q : {0.75, 1.25}) {
    const Value rule = Value::map({{"sensitivity", q}, {"start_epoch", 1}});
    const Outcome here = outcome(lab, {.attach = attaching<SensitivityPruner>(rule)});
    const Outcome other = outcome(lab, {.attach = attaching<SurvivorDeviation>(rule)});
    char what[80];
    std::snprintf(what, sizeof what, "sensitivity %g, masked", q);
    print({what, "σ of the weights that are left", here.zeros, other.zeros});
    std::snprintf(what, sizeof what, "sensitivity %g, accuracy", q);
    print({what, "σ of the weights that are left", here.accuracy, other.accuracy});
  }
}

// --- What becomes of masked weights -------------------------------------------------------------

/// Keeps the gradient from masked weights and leaves the weights as they are.
class GradientMask : public nn::WeightTransform {
 public:
  Stage stage() const override { return Stage::gradient; }
  std::string_view name() const override { return "GradientMask"; }
  Tensor apply(const Tensor& weight) const override {
    if (!mask.defined()) return weight;
    const Tensor masked_out = Tensor::generate(
        weight.shape(), [&](int64_t i) { return mask[i] == 0 ? weight[i] : 0.0f; });
    return add(multiply(weight, mask), masked_out);
  }
  Tensor mask;
};

/// AGP by hand: at the start of each epoch the smallest are set to zero, once, and their gradient
/// is masked. Nobody tells the optimizer, whose momentum goes on.
void coming_back(const Laboratory& lab) {
  const int64_t steps = lab.steps_per_epoch();
  const Outcome here = outcome(lab, {.attach = attaching<AGPruner>(agp(lab, 0.95))});
  Percent zeros, accuracy, masked_again;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
    std::vector<std::pair<nn::Parameter*, std::shared_ptr<GradientMask>>> masks;
    for (const nn::NamedParameter& named : net.parameters()) {
      if (named.parameter->role() != nn::Role::weight) continue;
      masks.emplace_back(named.parameter, std::make_shared<GradientMask>());
      named.parameter->attach(masks.back().second);
    }
    const AGPruner::CubicSchedule schedule{0, 0.95, 0, lab.epochs() - 1, 1};
    const auto after_step = [&](nn::Module&, int64_t step) {
      const int64_t epoch = (step - 1) / steps;  // steps count from 1
      if ((step - 1) % steps != 0 || epoch >= schedule.end) return;
      for (const auto& [parameter, transform] : masks) {
        const Tensor weight = parameter->effective_value();
        const double sparsity = schedule.sparsity_at(epoch);
        transform->mask = mask_smallest(weight, masked_count(sparsity, weight.size()));
        parameter->load(multiply(weight, transform->mask));
      }
    };
    accuracy.push_back(lab.train(net, static_cast<uint64_t>(seed), {.after_step = after_step}));
    zeros.push_back(zeros_of(net));
    for (const auto& [parameter, transform] : masks)
      parameter->load(multiply(parameter->effective_value(), transform->mask));
    masked_again.push_back(lab.accuracy(net));
  }
  print({"AGP to 95 %, zeros in the end", "zeroed once, gradient masked", here.zeros, zeros});
  print({"AGP to 95 %, accuracy", "the same", here.accuracy, accuracy});
  print(
      {"AGP to 95 %, accuracy", "the same, masked again for export", here.accuracy, masked_again});
}

// --- What is masked beside weights --------------------------------------------------------------

/// A trained network of which half of every parameter is masked by a threshold.
void every_parameter(const Laboratory& lab) {
  Percent weights, all;
  for (int seed = 1; seed <= lab.seeds(); ++seed) {
    for (const bool weights_alone : {true, false}) {
      nn::Sequential net = lab.network(static_cast<uint64_t>(seed));
      lab.train(net, static_cast<uint64_t>(seed), {});
      for (const nn::NamedParameter& named : net.parameters()) {
        if (weights_alone && named.parameter->role() != nn::Role::weight) continue;
        const Tensor value = named.parameter->effective_value();
        const Tensor mask = mask_smallest(value, masked_count(0.5, value.size()));
        named.parameter->load(multiply(value, mask));
      }
      (weights_alone ? weights : all).push_back(lab.accuracy(net));
    }
  }
  print({"level 50 % after training, accuracy", "biases and scales of batch normalisation as well",
         weights, all});
}

}  // namespace

int main(int count, char** words) {
  return run(count, words,
             {{"rankings", rankings},
              {"fixed", fixed_masks},
              {"survivors", survivors},
              {"back", coming_back},
              {"parameters", every_parameter}});
}
