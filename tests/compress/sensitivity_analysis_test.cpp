#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>

#include "espalier/autograd/batch.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/sensitivity/allocation.h"
#include "espalier/compress/sensitivity/sensitivity_analysis.h"
#include "espalier/compress/sensitivity/threshold_search.h"
#include "espalier/compress/sensitivity/weight_trial.h"
#include "espalier/compress/sparsity.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/train/evaluation.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

namespace {

/// Shifts the biases of the last layer so that classes come up about equally often.
void balance(nn::Sequential& net) {
  NoGrad no_grad;
  const nn::EvaluationMode mode(net);
  const Tensor logits = net(normal({100, 8, 8, 1}, 99));
  nn::Parameter& bias = *net.parameters().back().parameter;
  const Tensor before = bias.effective_value();
  bias.load(Tensor::generate(bias.shape(), [&](int64_t k) {
    float sum = 0;
    for (int64_t n = 0; n < 100; ++n) sum += logits[n * 3 + k];
    return before[k] - sum / 100;
  }));
}

/// Random pictures of 8×8 with the classes that a network gives them, so that it is always right.
class OwnAnswers : public BatchSource {
 public:
  OwnAnswers(nn::Module& net, int batches, int64_t batch) {
    NoGrad no_grad;
    const nn::EvaluationMode mode(net);
    for (int i = 0; i < batches; ++i) {
      const Tensor images = normal({batch, 8, 8, 1}, static_cast<uint64_t>(i));
      const Tensor logits = net(images);
      std::vector<int32_t> classes;
      for (int64_t n = 0; n < batch; ++n) {
        const float* row = logits.data() + n * 3;
        classes.push_back(static_cast<int32_t>(std::max_element(row, row + 3) - row));
      }
      batches_.push_back({images, Labels(classes)});
    }
  }
  void start_epoch(int) override {
    at_ = 0;
    ++passes;
  }
  bool next(Batch& batch) override {
    if (at_ == batches_.size()) return false;
    batch = batches_[at_++];
    return true;
  }
  int64_t samples() const override { return batches() * batches_[0].labels.size(); }
  int64_t batches() const override { return static_cast<int64_t>(batches_.size()); }
  const Shape& sample_shape() const override { return shape_; }
  int classes() const override { return 3; }

  int passes = 0;

 private:
  std::vector<Batch> batches_;
  size_t at_ = 0;
  Shape shape_{8, 8, 1};
};

/// Counts how often a layer runs.
class Counter : public nn::ActivationTransform {
 public:
  std::string_view name() const override { return "counter"; }
  Tensor apply(const Tensor& x, bool) override {
    ++runs;
    return x;
  }
  int64_t runs = 0;
};

/// conv, batch normalisation, a residual block with two layers, fc.
nn::Sequential with_block() {
  nn::Residual block;
  block.add("conv1", nn::Conv2d({.in = 4, .out = 4, .kernel = 3, .padding = 1}))
      .add("bn1", nn::BatchNorm2d({.channels = 4}))
      .add("relu1", nn::ReLU())
      .add("conv2", nn::Conv2d({.in = 4, .out = 4, .kernel = 3, .padding = 1}));
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 1, .out = 4, .kernel = 3}))
      .add("bn", nn::BatchNorm2d({.channels = 4}))
      .add("relu", nn::ReLU())
      .add("block", std::move(block))
      .add("block_relu", nn::ReLU())
      .add("flatten", nn::Flatten())
      .add("fc", nn::Linear({.in = 144, .out = 3}));
  nn::initialise(net, 3);
  return net;
}

std::vector<double> effective(const LayerInfo& layer) {
  return doubles(layer.parameter->effective_value());
}

std::vector<std::vector<double>> all_effective(const nn::Module& net) {
  std::vector<std::vector<double>> all;
  for (const LayerInfo& layer : compressible_layers(net)) all.push_back(effective(layer));
  return all;
}

/// As `analyse_sensitivity` should find it, by writing weights and evaluating everything.
double accuracy_with(nn::Module& net, BatchSource& samples, const LayerInfo& layer,
                     const Tensor& weight) {
  const Tensor before = layer.parameter->effective_value();
  layer.parameter->load(weight);
  const double accuracy = nn::evaluate(net, samples).accuracy;
  layer.parameter->load(before);
  return accuracy;
}

Tensor masked(const Tensor& weight, double sparsity) {
  return zero_where_masked(weight, mask_smallest(weight, masked_count(sparsity, weight.size())));
}

LayerSensitivity curve(int64_t weights, double present, std::vector<SparsityPoint> points) {
  return {.layer = "fc", .weights = weights, .sparsity = present, .by_sparsity = std::move(points)};
}

}  // namespace

TEST_CASE("a trial changes what a layer computes with, and nothing else") {
  nn::Sequential net = four_layers();
  const LayerInfo layer = compressible_layers(net)[1];
  nn::Parameter& weight = *layer.parameter;
  const std::vector<double> before = effective(layer);
  const Tensor expected = quantize_symmetric(masked(weight.effective_value(), 0.5), 2, true);
  const int64_t updates = weight.updates();
  {
    const WeightTrial half =
        WeightTrial::mask(weight, [](const Tensor& w) { return masked(w, 0.5); });
    CHECK(zeros_of(weight.effective_value()) == 0.5);
    // What a grid gets has the mask on it.
    const WeightTrial grid = WeightTrial::grid(weight, [&](const Tensor& w) {
      CHECK(zeros_of(w) == 0.5);
      return quantize_symmetric(w, 2, true);
    });
    CHECK(effective(layer) == doubles(expected));
    CHECK(!WeightTrial::can_have_grid(weight));
    CHECK_THROWS_WITH(WeightTrial::grid(weight, [](const Tensor& w) { return w; }),
                      Catch::Contains("already has the transform trial"));
  }
  CHECK(effective(layer) == before);
  CHECK(WeightTrial::can_have_grid(weight));
  CHECK(weight.updates() == updates);
  {
    const WeightTrial wrong =
        WeightTrial::mask(weight, [](const Tensor&) { return Tensor::zeros({2}); });
    CHECK_THROWS_WITH(weight.effective_value(), Catch::Contains("changed weight has the shape 2"));
  }
  CHECK(effective(layer) == before);
}

TEST_CASE("sensitivity: each point is what evaluating everything gives") {
  for (const bool block : {false, true}) {
    nn::Sequential net = block ? with_block() : four_layers();
    balance(net);
    OwnAnswers samples(net, 3, 40);
    const auto before = all_effective(net);
    net.train();
    const SensitivityAnalysis found = analyse_sensitivity(net, samples);
    CHECK(net.training());
    CHECK(all_effective(net) == before);
    CHECK(found.accuracy == 1);
    CHECK(found.recomputed.empty());
    CHECK(samples.passes == 1);

    const std::vector<LayerInfo> layers = compressible_layers(net);
    REQUIRE(found.layers.size() == layers.size());
    double worst = 1;
    for (size_t i = 0; i < layers.size(); ++i) {
      const LayerSensitivity& layer = found.layers[i];
      CHECK(layer.layer == layers[i].name);
      CHECK(layer.weights == layers[i].shape.elements());
      CHECK(layer.sparsity == 0);
      const Tensor weight = layers[i].parameter->effective_value();
      REQUIRE(layer.by_sparsity.size() == 10);
      CHECK(layer.by_sparsity[0].sparsity == 0.1);
      CHECK(layer.by_sparsity[9].sparsity == 0.95);
      for (const SparsityPoint& point : layer.by_sparsity) {
        CHECK(point.accuracy ==
              accuracy_with(net, samples, layers[i], masked(weight, point.sparsity)));
        worst = std::min(worst, point.accuracy);
      }
      REQUIRE(layer.by_bits.size() == 7);
      CHECK(layer.by_bits[0].bits == 8);
      CHECK(layer.by_bits[6].bits == 2);
      for (const BitsPoint& point : layer.by_bits) {
        CHECK(point.accuracy ==
              accuracy_with(net, samples, layers[i], quantize_symmetric(weight, point.bits, true)));
      }
    }
    CHECK(worst < 0.9);  // or nothing has been compared

    // With no memory for activations, for some of them, and as the caller's function.
    const SensitivityOptions options{.sparsities = {0.5, 0.9}, .bits = {3}};
    const auto compare = [&](AccuracyMeasure& measure) {
      const SensitivityAnalysis again = analyse_sensitivity(layers, measure, options);
      CHECK(again.accuracy == found.accuracy);
      for (size_t i = 0; i < layers.size(); ++i) {
        CHECK(again.layers[i].by_sparsity[0].accuracy == found.layers[i].by_sparsity[4].accuracy);
        CHECK(again.layers[i].by_sparsity[1].accuracy == found.layers[i].by_sparsity[8].accuracy);
        CHECK(again.layers[i].by_bits[0].accuracy == found.layers[i].by_bits[5].accuracy);
      }
      return again.recomputed;
    };
    std::vector<std::string> all, but_first;
    for (const LayerInfo& layer : layers) all.push_back(layer.name);
    SuffixAccuracy nothing_kept(net, samples, 0);
    CHECK(compare(nothing_kept) == all);
    // Pictures of 64 values fit; the 144 or 128 and more behind the first layer do not.
    but_first.assign(all.begin() + 1, all.end());
    if (!block) but_first.pop_back();  // fc2 gets 10 values
    SuffixAccuracy pictures_kept(net, samples, 100 * 4 * samples.samples());
    CHECK(compare(pictures_kept) == but_first);
    CustomAccuracy custom(net,
                          [&](nn::Module& model) { return nn::evaluate(model, samples).accuracy; });
    CHECK(compare(custom).empty());
  }
}

TEST_CASE("sensitivity: layers before the changed one run once more, and no more") {
  nn::Sequential net = four_layers();
  OwnAnswers samples(net, 3, 10);
  const auto counter = std::make_shared<Counter>();
  net[0].set_output_transform(counter);
  int64_t reports = 0;
  SensitivityProgress last;
  std::vector<std::string> done;
  analyse_sensitivity(net, samples,
                      {.sparsities = {0.5, 0.9},
                       .bits = {4},
                       .on_point =
                           [&](const SensitivityProgress& progress) {
                             CHECK(progress.done == ++reports);
                             CHECK(progress.points == 12);
                             last = progress;
                           },
                       .on_layer = [&](const LayerSensitivity& l) { done.push_back(l.layer); }});
  // Three batches each: as it is, three points of its own, on the way to the second layer.
  CHECK(counter->runs == 3 * (1 + 3 + 1));
  CHECK(reports == 12);
  CHECK(last.layer == "fc2");
  CHECK(last.change == "4 bits");
  CHECK(done == std::vector<std::string>{"conv1", "conv2", "fc1", "fc2"});
}

TEST_CASE("sensitivity: an evaluator that throws leaves the model as it was") {
  nn::Sequential net = four_layers();
  const auto before = all_effective(net);
  int calls = 0;
  CustomAccuracy fails(net, [&](nn::Module& model) {
    model(normal({1, 8, 8, 1}, 1));
    if (++calls == 4) throw std::runtime_error("no more");
    return 0.5;
  });
  CHECK_THROWS_WITH(analyse_sensitivity(compressible_layers(net), fails), "no more");
  CHECK(calls == 4);
  CHECK(all_effective(net) == before);
}

TEST_CASE("sensitivity: a layer that is masked already is measured from there") {
  nn::Sequential net = four_layers();
  balance(net);
  LevelPruner pruner({{{"sparsity", 0.5}, {"support_op", "fc1"}}});
  pruner(net);
  OwnAnswers samples(net, 2, 40);
  nn::Parameter& weight = *pruner.layers()[0].parameter;
  // Stored values of masked weights live on, and are large: they must stay masked.
  weight.load(Tensor::generate(weight.shape(), [&](int64_t i) {
    return (pruner.mask(pruner.layers()[0])[i] ? 0.1f : 3.0f) * (i % 7 < 3 ? -1.0f : 1.0f) *
           (1 + 0.01f * static_cast<float>(i % 13));
  }));
  const double present = nn::evaluate(net, samples).accuracy;
  const Tensor effective = weight.effective_value();
  CHECK(zeros_of(effective) == 0.5);
  const SensitivityAnalysis found =
      analyse_sensitivity(net, samples, {.sparsities = {0.2, 0.5, 0.7}, .bits = {2}});
  CHECK(found.accuracy == present);
  const LayerSensitivity& fc1 = found.layers[2];
  CHECK(fc1.sparsity == 0.5);
  CHECK(fc1.by_sparsity[0].accuracy == present);
  CHECK(fc1.by_sparsity[1].accuracy == present);
  CHECK(zeros_of(masked(effective, 0.7)) == Approx(0.7).margin(1e-3));
  nn::Sequential plain = four_layers();
  balance(plain);
  const LayerInfo same = compressible_layers(plain)[2];
  CHECK(fc1.by_sparsity[2].accuracy == accuracy_with(plain, samples, same, masked(effective, 0.7)));
  CHECK(fc1.by_bits[0].accuracy ==
        accuracy_with(plain, samples, same, quantize_symmetric(effective, 2, true)));
}

TEST_CASE("sensitivity: what cannot be measured") {
  nn::Sequential net = four_layers();
  OwnAnswers samples(net, 1, 4);
  CHECK_THROWS_WITH(analyse_sensitivity(net, samples, {.sparsities = {0.5, 0.4}}),
                    Catch::Contains("0.4 does not go behind 0.5"));
  CHECK_THROWS_WITH(analyse_sensitivity(net, samples, {.sparsities = {1}}),
                    Catch::Contains("rise within [0, 1)"));
  CHECK_THROWS_WITH(analyse_sensitivity(net, samples, {.bits = {1}}),
                    Catch::Contains("2 to 16 bits, not 1"));
  SuffixAccuracy measure(net, samples);
  CHECK_THROWS_WITH(analyse_sensitivity({}, measure), Catch::Contains("no layer to measure"));
  CHECK_THROWS_WITH(measure.change_from("fc3"), Catch::Contains("no layer 'fc3'"));
}

TEST_CASE("curves: straight between points, never falling") {
  // Of 1: the losses are 1/8, then 1/16, which counts as 1/8, then 3/8 and 1/2.
  const DropCurve drop(curve(100, 0, {{0.5, 0.875}, {0.8, 0.9375}, {0.9, 0.625}, {0.95, 0.5}}), 1);
  CHECK(drop.sparsity_within(0) == 0);
  CHECK(drop.sparsity_within(0.0625) == Approx(0.25));
  CHECK(drop.sparsity_within(0.125) == Approx(0.8));
  CHECK(drop.sparsity_within(0.25) == Approx(0.85));
  CHECK(drop.sparsity_within(0.9) == 0.95);
  CHECK(drop.drop_at(0.25) == Approx(0.0625));
  CHECK(drop.drop_at(0.6) == Approx(0.125));
  CHECK(drop.drop_at(0.85) == Approx(0.25));
  CHECK(drop.drop_at(0.99) == Approx(0.5));
  // A layer that has 0.6 already begins there.
  const DropCurve later(curve(100, 0.6, {{0.5, 1}, {0.8, 0.5}}), 1);
  CHECK(later.least() == 0.6);
  CHECK(later.sparsity_within(0) == 0.6);
  CHECK(later.sparsity_within(0.25) == Approx(0.7));
}

TEST_CASE("allocation: the least drop that reaches a sparsity") {
  // Losses of a: 0.1 at 0.5, 0.5 at 0.9; of b: 0 at 0.5, 0.2 at 0.9. So within δ ≤ 0.1 a can have
  // 5δ, b can have 0.5 + 2δ.
  const std::vector<DropCurve> curves = {
      DropCurve(curve(100'000, 0, {{0.5, 0.8}, {0.9, 0.4}}), 0.9),
      DropCurve(curve(300'000, 0, {{0.5, 0.9}, {0.9, 0.7}}), 0.9)};
  const Allocation within = allocate_within(curves, 0.05);
  CHECK(within.sparsity[0] == Approx(0.25));
  CHECK(within.sparsity[1] == Approx(0.6));
  CHECK(within.total == Approx((25 + 180) / 400.0));

  const Allocation found = allocate_to_sparsity(curves, 0.5125);
  CHECK(found.drop == Approx(0.05).margin(1e-4));
  CHECK(found.sparsity[0] == Approx(0.25).margin(1e-4));
  CHECK(found.sparsity[1] == Approx(0.6).margin(1e-4));
  CHECK(found.total >= 0.5125);
  CHECK(found.total < 0.5125 + 1e-5);

  // At δ = 0 b could have 0.5, which is 0.375 in all; 0.2 needs 8/15 of that.
  const Allocation part = allocate_to_sparsity(curves, 0.2);
  CHECK(part.drop == 0);
  CHECK(part.sparsity[0] == 0);
  CHECK(part.sparsity[1] == Approx(0.5 * 8 / 15).margin(1e-5));
  CHECK(part.total >= 0.2);
  CHECK(part.total < 0.2 + 1e-5);

  CHECK(allocate_to_sparsity(curves, 0.9).total == Approx(0.9));
  CHECK_THROWS_WITH(allocate_to_sparsity(curves, 0.95),
                    Catch::Contains("0.95 in all is beyond what was measured: with every layer at "
                                    "its last point it is 0.9000"));
  const std::vector<DropCurve> masked_already = {DropCurve(curve(10, 0.8, {{0.9, 0.5}}), 0.9)};
  CHECK(allocate_to_sparsity(masked_already, 0.5).sparsity[0] == 0.8);
}

TEST_CASE("allocation: a jump in the middle is gone in part only") {
  // a loses nothing more from 0.3 to 0.7, where δ = 0.1.
  const std::vector<DropCurve> curves = {
      DropCurve(curve(1000, 0, {{0.3, 0.8}, {0.7, 0.8}, {0.9, 0.5}}), 0.9)};
  const Allocation found = allocate_to_sparsity(curves, 0.5);
  CHECK(found.drop == Approx(0.1));
  CHECK(found.total == 0.5);
}

TEST_CASE("allocation: the largest drop that all layers together keep within a limit") {
  const std::vector<DropCurve> curves = {DropCurve(curve(100, 0, {{0.5, 0.8}, {0.9, 0.4}}), 0.9),
                                         DropCurve(curve(300, 0, {{0.5, 0.9}, {0.9, 0.7}}), 0.9)};
  int asked = 0;
  const auto adding_up = [&](const std::vector<double>& sparsity) {
    ++asked;
    return 0.9 - curves[0].drop_at(sparsity[0]) - curves[1].drop_at(sparsity[1]);
  };
  // Both lose δ, together 2δ.
  const Allocation found = allocate_to_drop(curves, 0.9, 0.05, adding_up);
  CHECK(found.drop <= 0.025);
  CHECK(found.drop >= 0.025 - 0.05 / 256 - 1e-12);
  CHECK(asked == 10);
  const auto of_one = [&](const std::vector<double>& s) { return 0.9 - curves[0].drop_at(s[0]); };
  CHECK(allocate_to_drop(curves, 0.9, 0.05, of_one).drop == 0.05);
  // Alone b loses nothing up to 0.5, but measured at once every weight costs.
  const auto strict = [&](const std::vector<double>& s) { return 0.9 - s[1]; };
  const Allocation part = allocate_to_drop(curves, 0.9, 0.1, strict);
  CHECK(part.drop == 0);
  CHECK(part.sparsity[1] <= 0.1);
  CHECK(part.sparsity[1] > 0.1 - 0.5 / 256);
}

TEST_CASE("threshold search: the goal is met from above, and the pruner gets there") {
  nn::Sequential net = four_layers();
  balance(net);
  OwnAnswers samples(net, 4, 50);
  const auto before = all_effective(net);
  SensitivityPruner pruner({{{"sparsity", 0.6}, {"start_epoch", 1}}});
  pruner(net);
  for (const double goal : {0.0, 0.3, 0.6, 0.9}) {
    SuffixAccuracy measure(net, samples);
    const FoundThresholds found = find_thresholds(pruner.layers(), goal, measure);
    CHECK(all_effective(net) == before);
    CHECK(found.before == 1);
    CHECK(found.total >= goal);
    CHECK(found.total < goal + 4.0 / 1634);  // one weight each, of 36 + 288 + 1280 + 30
    for (size_t i = 0; i < 4; ++i) {
      const Tensor weight = pruner.layers()[i].parameter->effective_value();
      const double threshold = found.quality[i] * standard_deviation(weight);
      const auto below = std::count_if(weight.values().begin(), weight.values().end(),
                                       [&](float w) { return std::abs(double{w}) <= threshold; });
      CHECK(static_cast<double>(below) / static_cast<double>(weight.size()) == found.sparsity[i]);
    }
    // The same with a function of one's own.
    const FoundThresholds same =
        find_thresholds(net, pruner.layers(), goal,
                        [&](nn::Module& model) { return nn::evaluate(model, samples).accuracy; });
    CHECK(same.quality == found.quality);
    CHECK(same.accuracy == found.accuracy);
    if (goal != 0.6) continue;
    CHECK(found.drop > 0);
    pruner.set_thresholds(found.quality);
    net.train();
    pruner.update_epoch(1);
    net(normal({1, 8, 8, 1}, 1));
    const std::vector<LayerSparsity> reached = layer_sparsities(net);
    for (size_t i = 0; i < 4; ++i) CHECK(reached[i].sparsity() == found.sparsity[i]);
    CHECK(nn::evaluate(net, samples).accuracy == found.accuracy);
    break;
  }
}

TEST_CASE("threshold search: groups of weights, given deviations, and goals out of reach") {
  nn::Sequential net = four_layers();
  balance(net);
  OwnAnswers samples(net, 2, 50);
  const std::vector<LayerInfo> layers = compressible_layers(net);
  SuffixAccuracy measure(net, samples);
  const MaskUpTo rows = [](const LayerInfo& layer, const Tensor& weight, double threshold) {
    const int64_t size = weight.size() / layer.shape[0];
    return Tensor::generate(layer.shape, [&](int64_t i) {
      double sum = 0;
      for (int64_t k = i / size * size; k < (i / size + 1) * size; ++k)
        sum += std::abs(double{weight[k]});
      return sum / static_cast<double>(size) > threshold ? 1.0f : 0.0f;
    });
  };
  const FoundThresholds found =
      find_thresholds(layers, 0.5, measure,
                      {.sparsities = {0.3, 0.6, 0.8}, .mask = rows, .deviations = {1, 1, 2, 1}});
  CHECK(found.total >= 0.5);
  CHECK(found.total < 0.7);
  for (size_t i = 0; i < 4; ++i) {
    const double rows_masked = found.sparsity[i] * static_cast<double>(layers[i].shape[0]);
    CHECK(rows_masked == Approx(std::round(rows_masked)));
    const Tensor weight = layers[i].parameter->effective_value();
    const Tensor mask = rows(layers[i], weight, found.quality[i] * (i == 2 ? 2 : 1));
    CHECK(zeros_of(mask) == found.sparsity[i]);
  }
  CHECK_THROWS_WITH(find_thresholds(layers, 1, measure),
                    Catch::Contains("must be in [0, 1), not 1"));
  CHECK_THROWS_WITH(find_thresholds(layers, 0.9, measure, {.sparsities = {0.5}}),
                    Catch::Contains("beyond what was measured"));
  CHECK_THROWS_WITH(find_thresholds(layers, 0.5, measure, {.deviations = {1}}),
                    Catch::Contains("1 deviations were given for 4 layers"));
}
