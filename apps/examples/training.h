#pragma once

#include <functional>

#include "pictures.h"

/// The network of 04_training.
inline nn::Sequential small_network() {
  nn::Sequential net;
  net.add("flatten", nn::Flatten());
  net.add("fc1", nn::Linear({.in = 784, .out = 100}));
  net.add("relu", nn::ReLU());
  net.add("fc2", nn::Linear({.in = 100, .out = 10}));
  return net;
}

/// The loop of 04_training. `before_epoch` is for what takes part in it.
inline void train(nn::Module& net, const Pictures& data, int epochs,
                  const std::function<void(int epoch)>& before_epoch = {}) {
  datasets::Loader batches(data.train, {.batch = 50, .shuffle = true});
  nn::SGD optimizer(net, {.lr = 0.02, .momentum = 0.9});
  for (int epoch = 0; epoch < epochs; ++epoch) {
    if (before_epoch) before_epoch(epoch);
    for (const auto& [images, labels] : batches) {
      optimizer.zero_grad();
      nn::cross_entropy(net(images), labels).backward();
      optimizer.step();
    }
  }
}

/// How many of the test pictures it gets right, which is printed and has to be enough.
inline double require_accuracy(nn::Module& net, const Pictures& data, const char* what) {
  datasets::Loader unseen(data.test);
  const double accuracy = nn::evaluate(net, unseen).accuracy;
  std::printf("%s: %.1f %% of the test pictures\n", what, 100 * accuracy);
  check(accuracy > data.enough, "the network gets too many of the test pictures wrong");
  return accuracy;
}

/// The weight of a layer of the network.
inline nn::Parameter& weight_of(const nn::Module& net, const std::string& layer) {
  for (const nn::NamedParameter& named : net.parameters())
    if (named.path() == layer + ".weight") return *named.parameter;
  throw Error("weight_of", "there is no layer " + layer);
}
