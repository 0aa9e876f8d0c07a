#include "espalier/nn/models.h"

#include "espalier/autograd/core/error.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"

namespace espalier::nn {
namespace {

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

}  // namespace

const std::vector<NamedModel>& named_models() {
  static const std::vector<NamedModel> models = {
      {"lenet300", "784-300-100-10, fully connected, 266,610 parameters", {28, 28, 1}, lenet300},
      {"lenet5", "20C5-P2-50C5-P2-500-10, 431,080 parameters", {28, 28, 1}, lenet5},
  };
  return models;
}

const NamedModel& named_model(const std::string& name) {
  std::string known;
  for (const NamedModel& model : named_models()) {
    if (model.name == name) return model;
    known += (known.empty() ? "" : ", ") + model.name;
  }
  throw Error("model", "there is no model named '" + name + "'; known: " + known);
}

}  // namespace espalier::nn
