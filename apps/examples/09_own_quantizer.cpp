// A quantizer of your own says what a layer computes with instead of its weight.
#include <set>

#include "ternary_quantizer.h"
#include "training.h"

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();

  // Without rules it acts on every layer with weights, and as long as it lives.
  TernaryQuantizer quantizer;
  quantizer(net);
  train(net, data, 4);
  require_accuracy(net, data, "with −s, 0 and s alone");

  for (const compress::LayerInfo& layer : quantizer.layers()) {
    const Tensor weight = layer.parameter->effective_value();
    const std::set<float> levels(weight.values().begin(), weight.values().end());
    std::printf("%s:", layer.name.c_str());
    for (const float level : levels) std::printf(" %.4f", double{level});
    std::printf("\n");
    check(levels.size() == 3 && levels.count(0) == 1 && *levels.begin() == -*levels.rbegin(),
          "a layer has other values than −s, 0 and s");
  }

  // What is stored has kept all its digits: switched off, the quantizer leaves the float network.
  quantizer.set_enabled(false);
  const Tensor stored = quantizer.layers().front().parameter->effective_value();
  const std::set<float> different(stored.values().begin(), stored.values().end());
  std::printf("%d different weights are stored\n", static_cast<int>(different.size()));
  check(different.size() > 10000, "the stored weights were rounded as well");
}
