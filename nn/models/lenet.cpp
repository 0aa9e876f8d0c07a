#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/models/build.h"

namespace espalier::nn::models {

Sequential lenet300() {
  Sequential net;
  net.add("flatten", Flatten())
      .add("fc1", Linear({.in = 784, .out = 300}))
      .add("relu1", ReLU())
      .add("fc2", Linear({.in = 300, .out = 100}))
      .add("relu2", ReLU())
      .add("fc3", Linear({.in = 100, .out = 10}));
  return net;
}

Sequential lenet5() {
  Sequential net;
  net.add("conv1", Conv2d({.in = 1, .out = 20, .kernel = 5}))
      .add("relu1", ReLU())
      .add("pool1", MaxPool2d({.kernel = 2}))
      .add("conv2", Conv2d({.in = 20, .out = 50, .kernel = 5}))
      .add("relu2", ReLU())
      .add("pool2", MaxPool2d({.kernel = 2}))
      .add("flatten", Flatten())
      .add("fc1", Linear({.in = 800, .out = 500}))
      .add("relu3", ReLU())
      .add("fc2", Linear({.in = 500, .out = 10}));
  return net;
}

}  // namespace espalier::nn::models
