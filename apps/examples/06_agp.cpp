// Pruning while training: the masked part grows along a cubic, and the network adapts in between.
#include <algorithm>

#include "training.h"

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();

  // AGP: Zhu & Gupta, arXiv 1710.01878, equation 1. Masks are renewed in epochs 0, 1, 2 and 3, at
  // the last of which 90 % are masked; then they stay.
  compress::AGPruner pruner({{{"initial_sparsity", 0.0},
                              {"final_sparsity", 0.9},
                              {"start_epoch", 0},
                              {"end_epoch", 4},
                              {"frequency", 1},
                              {"support_type", "default"}}});
  pruner(net);  // from here on masks act; the loop stays as it is, but for the call below

  train(net, data, 6, [&](int epoch) {
    if (epoch > 0) {  // what the last epoch was trained with
      const double seen = compress::total_sparsity(compress::layer_sparsities(net)).sparsity();
      const double left = 1 - std::min(epoch - 1, 3) / 3.0;
      const double expected = 0.9 + (0.0 - 0.9) * std::pow(left, 3);
      std::printf("epoch %d: sparsity %.4f, by the formula %.4f\n", epoch - 1, seen, expected);
      check(std::abs(seen - expected) < 1e-4, "the sparsity is not on the cubic");
    }
    pruner.update_epoch(epoch);
  });
  require_accuracy(net, data, "pruned while training");

  for (const compress::LayerSparsity& layer : compress::layer_sparsities(net)) {
    std::printf("%s: %d of %d weights are left\n", layer.layer.c_str(),
                static_cast<int>(layer.nonzero), static_cast<int>(layer.weights));
    check(std::abs(layer.sparsity() - 0.9) < 1e-3, "a layer is not pruned to 90 %");
  }
}
