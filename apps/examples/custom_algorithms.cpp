// A pruner and a quantizer of your own on one network, in a loop of your own. Exit code 0 if what
// is masked is zero and the rest has two values a layer.
#include <cstdio>
#include <set>

#include "half_the_rows.h"
#include "ternary_quantizer.h"

int main() {
  nn::Sequential net{nn::Flatten(), nn::Linear({.in = 64, .out = 40}), nn::ReLU(),
                     nn::Linear({.in = 40, .out = 4})};
  HalfTheRows pruner({{{"support_op", "1"}}});  // layers without names are called by position
  TernaryQuantizer quantizer;
  pruner(net);
  quantizer(net);

  datasets::Loader loader(datasets::synthetic({.samples = 512, .shape = {8, 8, 1}, .classes = 4}),
                          {.batch = 32, .shuffle = true});
  nn::SGD optimizer(net, {.lr = 0.05, .momentum = 0.9});
  float loss_now = 0;
  for (int epoch = 0; epoch < 10; ++epoch) {
    for (const auto& [images, labels] : loader) {
      optimizer.zero_grad();
      const Tensor loss = nn::cross_entropy(net(images), labels);
      loss.backward();
      optimizer.step();
      loss_now = loss.item();
    }
  }
  bool as_it_should_be = loss_now < 0.5f;
  for (const compress::LayerSparsity& layer : compress::layer_sparsities(net)) {
    std::printf("%s: %.0f %% of %d weights are zero\n", layer.layer.c_str(), 100 * layer.sparsity(),
                static_cast<int>(layer.weights));
    as_it_should_be = as_it_should_be && layer.sparsity() > (layer.layer == "1" ? 0.5 : 0.1);
  }
  for (const compress::LayerInfo& layer : quantizer.layers()) {
    const Tensor weight = layer.parameter->effective_value();
    const std::set<float> levels(weight.values().begin(), weight.values().end());
    as_it_should_be = as_it_should_be && levels.size() == 3;
  }
  std::printf("loss %g\n", double{loss_now});
  return as_it_should_be ? 0 : 1;
}
