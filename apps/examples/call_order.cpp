// When a compressor is called in a loop of your own. Exit code 0 if it is in the order that is
// written below.
#include <algorithm>
#include <cstdio>

#include "call_log.h"

using namespace espalier;

int main() {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 3, .out = 2}));
  CallLog quantizer;
  quantizer(net);
  nn::SGD optimizer(net, {.lr = 0.1});
  const Tensor images = Tensor::full({2, 3}, 1);
  for (int epoch = 0; epoch < 2; ++epoch) {
    quantizer.update_epoch(epoch);
    for (int batch = 0; batch < 2; ++batch) {
      optimizer.zero_grad();
      nn::cross_entropy(net(images), {0, 1}).backward();
      optimizer.step();
      quantizer.step();
    }
  }
  const std::vector<std::string> expected{
      "update_epoch 0", "quantize_weight fc", "step", "quantize_weight fc", "step",
      "update_epoch 1", "quantize_weight fc", "step", "quantize_weight fc", "step"};
  const std::vector<std::string>& calls = quantizer.calls();
  for (const std::string& call : calls) std::printf("%s\n", call.c_str());
  // Before the first epoch the library may look at a weight to check the quantizer.
  const auto begin = std::find(calls.begin(), calls.end(), expected.front());
  const bool in_order = std::equal(begin, calls.end(), expected.begin(), expected.end());
  return calls.front() == "preprocess_model" && in_order ? 0 : 1;
}
