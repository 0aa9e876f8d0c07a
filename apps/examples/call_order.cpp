// When a compressor is called in a loop of your own. Exit code 0 if it is in the order that is
// written below.
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
      "preprocess_model",                                                              //
      "update_epoch 0",   "quantize_weight fc", "step", "quantize_weight fc", "step",  //
      "update_epoch 1",   "quantize_weight fc", "step", "quantize_weight fc", "step"};
  for (const std::string& call : quantizer.calls()) std::printf("%s\n", call.c_str());
  return quantizer.calls() == expected ? 0 : 1;
}
