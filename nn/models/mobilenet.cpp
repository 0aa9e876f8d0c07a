#include <string>

#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/models/build.h"

namespace espalier::nn::models {
namespace {

/// Figure 3 of the paper: a 3×3 convolution of each channel by itself, then a 1×1 one across them.
Sequential separable(int64_t in, int64_t out, int64_t stride) {
  Sequential block;
  block
      .add("depthwise", Conv2d({.in = in,
                                .out = in,
                                .kernel = 3,
                                .stride = stride,
                                .padding = 1,
                                .groups = in,
                                .bias = false}))
      .add("bn1", BatchNorm2d({.channels = in}))
      .add("relu1", ReLU())
      .add("pointwise", Conv2d({.in = in, .out = out, .kernel = 1, .bias = false}))
      .add("bn2", BatchNorm2d({.channels = out}))
      .add("relu2", ReLU());
  return block;
}

}  // namespace

Sequential mobilenet() {
  Sequential net;
  net.add("conv1", Conv2d({.in = 3, .out = 32, .kernel = 3, .padding = 1, .bias = false}))
      .add("bn1", BatchNorm2d({.channels = 32}))
      .add("relu1", ReLU())
      .add("block1", separable(32, 64, 1))
      .add("block2", separable(64, 128, 2))
      .add("block3", separable(128, 128, 1))
      .add("block4", separable(128, 256, 2))
      .add("block5", separable(256, 256, 1))
      .add("pool", GlobalAvgPool2d())
      .add("fc", Linear({.in = 256, .out = 10}));
  return net;
}

}  // namespace espalier::nn::models
