#include "espalier/compress/scheduled_pruner.h"

#include <catch2/catch.hpp>

#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"

using namespace espalier;
using namespace espalier::compress;

TEST_CASE("a scheduled pruner that has read no times says so") {
  class Timeless : public ScheduledPruner {
   public:
    using ScheduledPruner::ScheduledPruner;
    Tensor scheduled_mask(const LayerInfo&, const Tensor& weight) override { return weight; }
  };
  nn::Sequential net{nn::Linear({.in = 2, .out = 2})};
  Timeless pruner({{{"masked_weights", "train"}}});
  CHECK_THROWS_WITH(pruner(net), Catch::Contains("rule 1 has no times") &&
                                     Catch::Contains("read_times(rule, options)"));
}

TEST_CASE("times of the other unit are told what they are for") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 2})};
  AGPruner steps({{{"final_sparsity", 0.5}, {"end_step", 10}}});
  CHECK_THROWS_WITH(steps(net),
                    Catch::Contains("'end_step': is for 'unit: step'; say 'end_epoch'"));
  AGPruner epochs(
      {{{"final_sparsity", 0.5}, {"unit", "step"}, {"start_epoch", 1}, {"end_step", 10}}});
  CHECK_THROWS_WITH(epochs(net),
                    Catch::Contains("'start_epoch': is for 'unit: epoch'; say 'start_step'"));
}
