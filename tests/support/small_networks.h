#pragma once

#include <cstdint>
#include <string>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/init.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/optim/optimizer.h"
#include "support/values.h"

/// Networks that train in a moment.
namespace espalier::test {

/// conv1 (36 weights), conv2 (288), fc1 (1280), fc2 (30), for pictures of 8×8.
inline nn::Sequential four_layers() {
  nn::Sequential net;
  net.add("conv1", nn::Conv2d({.in = 1, .out = 4, .kernel = 3}))
      .add("relu1", nn::ReLU())
      .add("conv2", nn::Conv2d({.in = 4, .out = 8, .kernel = 3}))
      .add("relu2", nn::ReLU())
      .add("flatten", nn::Flatten())
      .add("fc1", nn::Linear({.in = 128, .out = 10}))
      .add("fc2", nn::Linear({.in = 10, .out = 3}));
  nn::initialise(net, 5);
  return net;
}

/// One ordinary training step, as any user would write it.
inline void train_four_layers(nn::Module& net, nn::Optimizer& optimizer, uint64_t seed) {
  optimizer.zero_grad();
  nn::cross_entropy(net(normal({6, 8, 8, 1}, seed)), {0, 1, 2, 0, 1, 2}).backward();
  optimizer.step();
}

}  // namespace espalier::test
