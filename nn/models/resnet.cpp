#include <string>

#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/models/build.h"

namespace espalier::nn::models {
namespace {

Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1) {
  return Conv2d({.in = in, .out = out, .kernel = 3, .stride = stride, .padding = 1, .bias = false});
}

/// Figure 2 of the paper, without the ReLU behind the sum.
Residual basic_block(int64_t in, int64_t out, int64_t stride) {
  Residual block;
  block.add("conv1", conv3x3(in, out, stride))
      .add("bn1", BatchNorm2d({.channels = out}))
      .add("relu1", ReLU())
      .add("conv2", conv3x3(out, out))
      .add("bn2", BatchNorm2d({.channels = out}));
  if (in != out || stride != 1) {
    block
        .add_to_shortcut(
            "conv", Conv2d({.in = in, .out = out, .kernel = 1, .stride = stride, .bias = false}))
        .add_to_shortcut("bn", BatchNorm2d({.channels = out}));
  }
  return block;
}

}  // namespace

Sequential resnet(int64_t blocks) {
  Sequential net;
  net.add("conv1", conv3x3(3, 16)).add("bn1", BatchNorm2d({.channels = 16})).add("relu1", ReLU());
  int64_t in = 16;
  int number = 0;
  for (int64_t width : {16, 32, 64}) {
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string name = "block" + std::to_string(++number);
      net.add(name, basic_block(in, width, in == width ? 1 : 2)).add(name + "_relu", ReLU());
      in = width;
    }
  }
  net.add("pool", GlobalAvgPool2d()).add("fc", Linear({.in = in, .out = 10}));
  return net;
}

}  // namespace espalier::nn::models
