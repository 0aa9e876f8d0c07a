// The pruner UpperHalf is used: it masks the lower half of the rows.
#include <espalier/espalier.h>

using namespace espalier;

@BLOCK@

int main() {
  auto net = nn::Sequential{nn::Linear({.in = 3, .out = 4})};
  UpperHalf pruner;
  pruner(net);
  const Mask& mask = pruner.mask(pruner.layers().front());
  return mask.count() == 6 && mask[0] && !mask[11] ? 0 : 1;
}
