// The pruner of README.md, used.
#include <espalier/espalier.h>

#include <catch2/catch.hpp>

using namespace espalier;

#include "readme_pruner.inl"

TEST_CASE("the pruner of the README masks the lower half of the rows") {
  auto net = nn::Sequential{nn::Linear({.in = 3, .out = 4})};
  TopRows pruner;
  pruner(net);
  const Mask& mask = pruner.mask(pruner.layers().front());
  CHECK(mask.count() == 6);
  CHECK(mask[0]);
  CHECK_FALSE(mask[11]);
}
