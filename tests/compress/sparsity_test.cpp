#include "espalier/compress/sparsity.h"

#include <catch2/catch.hpp>

#include "espalier/compress/pruners/level_pruner.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

TEST_CASE("sparsity counts the zeros of what layers compute with, masked or not") {
  nn::Sequential net = four_layers();
  CHECK(total_sparsity(layer_sparsities(net)).nonzero == 36 + 288 + 1280 + 30);
  for (const nn::NamedParameter& named : net.parameters()) {
    if (named.path() != "fc2.weight") continue;
    // Zeros that no mask knows of: three of thirty.
    named.parameter->load(Tensor::generate(
        {3, 10}, [](int64_t i) { return i % 10 == 0 ? 0.0f : static_cast<float>(i); }));
  }
  LevelPruner pruner({{{"sparsity", 0.25}, {"support_op", {"conv1", "fc1"}}}});
  pruner(net);
  const std::vector<LayerSparsity> layers = layer_sparsities(net);
  REQUIRE(layers.size() == 4);
  CHECK(layers[0].layer == "conv1");
  CHECK(layers[0].weights == 36);
  CHECK(layers[0].nonzero == 27);
  CHECK(layers[1].sparsity() == 0);
  CHECK(layers[2].nonzero == 960);
  CHECK(layers[3].nonzero == 27);
  CHECK(layers[3].sparsity() == Approx(0.1));
  const LayerSparsity total = total_sparsity(layers);
  CHECK(total.layer == "total");
  CHECK(total.weights == 1634);
  CHECK(total.nonzero == 27 + 288 + 960 + 27);
  CHECK(LayerSparsity().sparsity() == 0);
}
