// A training that is stopped and goes on elsewhere has the masks of one that was not.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;

namespace {

constexpr int steps_per_epoch = 3;

/// Looks at stored values, and does nothing else.
class Latents : public Compressor {
 public:
  Latents() : Compressor({}) {}
  std::map<std::string, Tensor> copy() const {
    std::map<std::string, Tensor> values;
    for (const LayerInfo& layer : layers())
      values[layer.name] = Tensor::from(layer.shape, latent(layer).values());
    return values;
  }

 private:
  void attach_layer(const LayerInfo&) override {}
  void refresh_layer(const LayerInfo&) override {}
};

struct Training {
  explicit Training(Rules rules, std::function<std::unique_ptr<Pruner>(Rules)> make, bool steps)
      : net(four_layers()), pruner(make(std::move(rules))), calls_step(steps) {
    (*pruner)(net);
    latents(net);
  }
  void run(int from, int to) {
    for (int i = from; i < to; ++i) {
      if (i % steps_per_epoch == 0) pruner->update_epoch(i / steps_per_epoch);
      train_four_layers(net, sgd, static_cast<uint64_t>(i));
      if (calls_step) pruner->step();
    }
  }
  nn::State save() {
    nn::State state;
    nn::StateVisitor visitor = nn::StateVisitor::saving(state);
    pruner->visit_state(visitor);
    return state;
  }
  void restore(nn::State& state) {
    nn::StateVisitor visitor = nn::StateVisitor::restoring(state);
    pruner->visit_state(visitor);
  }
  /// Plain gradient descent keeps nothing beside the values.
  void copy_parameters(Training& from) {
    const auto values = from.latents.copy();
    const auto mine = net.parameters(), theirs = from.net.parameters();
    for (size_t i = 0; i < mine.size(); ++i) {
      const bool weight = mine[i].parameter->role() == nn::Role::weight;
      mine[i].parameter->load(weight ? values.at(mine[i].layer)
                                     : theirs[i].parameter->effective_value());
    }
  }

  nn::Sequential net;
  nn::SGD sgd{net, {.lr = 0.05}};
  std::unique_ptr<Pruner> pruner;
  Latents latents;
  bool calls_step;
};

template <class Algorithm>
std::unique_ptr<Pruner> make(Rules rules) {
  return std::make_unique<Algorithm>(std::move(rules));
}

bool same(const Tensor& a, const Tensor& b) {
  return std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end());
}

void require_same(Training& a, Training& b) {
  REQUIRE(a.pruner->layers().size() == b.pruner->layers().size());
  for (size_t i = 0; i < a.pruner->layers().size(); ++i)
    REQUIRE(a.pruner->mask(a.pruner->layers()[i]) == b.pruner->mask(b.pruner->layers()[i]));
  const auto left = a.latents.copy(), right = b.latents.copy();
  for (const auto& [name, value] : left) REQUIRE(same(value, right.at(name)));
}

}  // namespace

TEST_CASE("masks go on exactly where they stopped") {
  struct Case {
    const char* what;
    Rules rules;
    std::function<std::unique_ptr<Pruner>(Rules)> make;
    bool calls_step = false;
  };
  const Rules by_step{{{"final_sparsity", 0.8},
                       {"unit", "step"},
                       {"start_step", 2},
                       {"end_step", 12},
                       {"frequency", 2},
                       {"masked_weights", "freeze"}}};
  const std::vector<Case> cases = {
      {"AGP by epoch", {{{"final_sparsity", 0.8}, {"end_epoch", 4}}}, make<AGPruner>},
      {"AGP by epoch, masked weights train",
       {{{"final_sparsity", 0.8}, {"end_epoch", 4}, {"masked_weights", "train"}},
        {{"prune", false}, {"support_op", "fc2"}}},
       make<AGPruner>},
      {"AGP by optimizer updates", by_step, make<AGPruner>},
      {"AGP by calls of step()", by_step, make<AGPruner>, true},
      {"Level", {{{"sparsity", 0.6}, {"frequency", 4}}}, make<LevelPruner>},
      {"Level with a start, globally by filter",
       {{{"sparsity", 0.6},
         {"frequency", 4},
         {"start_epoch", 2},
         {"scope", "global"},
         {"granularity", "filter"}}},
       make<LevelPruner>},
      {"Sensitivity",
       {{{"sensitivity", 0.6}, {"start_epoch", 1}, {"end_epoch", 4}},
        {{"sensitivity", 0.4}, {"std", "current"}, {"support_op", "fc1"}}},
       make<SensitivityPruner>},
      {"Level by calls of step()",
       {{{"sparsity", 0.6}, {"frequency", 4}}},
       make<LevelPruner>,
       true},
  };
  constexpr int end = 15;
  for (const Case& each : cases) {
    for (int stop = 0; stop < end; ++stop) {
      INFO(each.what << ", stopped after step " << stop);
      Training whole(each.rules, each.make, each.calls_step);
      whole.run(0, stop);
      nn::State state = whole.save();
      Training resumed(each.rules, each.make, each.calls_step);
      // The order does not matter.
      if (stop % 2 == 0) resumed.restore(state);
      resumed.copy_parameters(whole);
      if (stop % 2 == 1) resumed.restore(state);
      require_same(whole, resumed);
      nn::State again = resumed.save();
      CHECK(again.values.size() == state.values.size());
      for (int i = stop; i < end; ++i) {
        whole.run(i, i + 1);
        resumed.run(i, i + 1);
        require_same(whole, resumed);
      }
      REQUIRE(whole.pruner->updates() == resumed.pruner->updates());
    }
  }
}

TEST_CASE("a mask that was asked for and not made yet is made after resuming") {
  const Rules rules{{{"final_sparsity", 0.8}, {"start_epoch", 1}, {"end_epoch", 3}}};
  Training whole(rules, make<AGPruner>, false);
  whole.run(0, 3);
  whole.pruner->update_epoch(2);
  nn::State state = whole.save();
  Training resumed(rules, make<AGPruner>, false);
  resumed.copy_parameters(whole);
  resumed.restore(state);
  CHECK(resumed.pruner->mask(resumed.pruner->layers()[2]).masked() == 0);
  train_four_layers(whole.net, whole.sgd, 7);
  train_four_layers(resumed.net, resumed.sgd, 7);
  CHECK(resumed.pruner->mask(resumed.pruner->layers()[2]).masked() == 1024);
  require_same(whole, resumed);
}

TEST_CASE("two pruners on one layer go on exactly where they stopped") {
  struct Two {
    explicit Two(bool agp_first, bool adam) : net(four_layers()) {
      if (adam) optimizer = std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01});
      if (!adam)
        optimizer = std::make_unique<nn::SGD>(net, nn::SGD::Options{.lr = 0.05, .momentum = 0.9});
      if (agp_first) agp(net);
      level(net);
      if (!agp_first) agp(net);
    }
    void run(int i) {
      if (i % steps_per_epoch == 0) agp.update_epoch(i / steps_per_epoch);
      train_four_layers(net, *optimizer, static_cast<uint64_t>(i));
    }
    void visit(nn::StateVisitor visitor) {
      nn::visit_model_state(net, visitor);
      optimizer->visit_state(visitor);
      for (Pruner* pruner : std::initializer_list<Pruner*>{&agp, &level}) {
        const nn::StateVisitor::Scope scope(visitor, pruner->name());
        pruner->visit_state(visitor);
      }
    }
    nn::Sequential net;
    std::unique_ptr<nn::Optimizer> optimizer;
    AGPruner agp{{{{"final_sparsity", 0.7}, {"end_epoch", 4}, {"scope", "global"}}}};
    LevelPruner level{{{{"sparsity", 0.4}, {"frequency", 2}, {"granularity", "row"}}}};
  };
  for (const bool adam : {false, true}) {
    for (const int stop : {0, 1, 5, 9}) {
      INFO(adam << ", stopped after step " << stop);
      const bool agp_first = stop % 2 == 0;
      Two whole(agp_first, adam), resumed(agp_first, adam);
      for (int i = 0; i < stop; ++i) whole.run(i);
      nn::State state;
      whole.visit(nn::StateVisitor::saving(state));
      resumed.visit(nn::StateVisitor::restoring(state));
      for (int i = stop; i < 13; ++i) {
        whole.run(i);
        resumed.run(i);
      }
      for (size_t i = 0; i < whole.agp.layers().size(); ++i) {
        const LayerInfo &left = whole.agp.layers()[i], &right = resumed.agp.layers()[i];
        CHECK(whole.agp.mask(left) == resumed.agp.mask(right));
        CHECK(whole.level.mask(left) == resumed.level.mask(right));
        CHECK(whole.level.mask(left).masked() > 0);
        REQUIRE(same(left.parameter->effective_value(), right.parameter->effective_value()));
      }
    }
  }
}

TEST_CASE("restoring masks zeroes nothing") {
  const Rules rules{{{"final_sparsity", 0.8}, {"end_epoch", 1}}};
  Training pruned(rules, make<AGPruner>, false);
  pruned.run(0, 1);
  nn::State state = pruned.save();
  Training other({{{"final_sparsity", 0.8}, {"start_epoch", 1}, {"end_epoch", 2}}}, make<AGPruner>,
                 false);
  const auto before = other.latents.copy();
  other.restore(state);
  CHECK(other.pruner->mask(other.pruner->layers()[2]).masked() == 1024);
  const auto after = other.latents.copy();
  for (const auto& [name, value] : before) {
    CHECK(std::count(after.at(name).values().begin(), after.at(name).values().end(), 0.0f) == 0);
    CHECK(same(value, after.at(name)));
  }
}

TEST_CASE("a state of something else is refused") {
  const Rules all{{{"sparsity", 0.5}}}, some{{{"sparsity", 0.5}, {"support_type", "Linear"}}};
  Training a(all, make<LevelPruner>, false), b(some, make<LevelPruner>, false);
  nn::State state = a.save();
  CHECK_THROWS_WITH(b.restore(state), Contains("conv1 conv2 fc1 fc2") && Contains("'fc1 fc2'"));
  state.values.erase("fc2.mask");
  CHECK_THROWS_WITH(a.restore(state), Contains("no mask for layer 'fc2'"));
  nn::State empty;
  CHECK_THROWS_AS(a.restore(empty), Error);
  LevelPruner loose(all);
  nn::StateVisitor visitor = nn::StateVisitor::saving(empty);
  CHECK_THROWS_WITH(loose.visit_state(visitor), Contains("not attached"));
}
