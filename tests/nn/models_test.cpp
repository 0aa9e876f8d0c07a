// The networks known by name: sizes worked out by hand, names of layers, and that they train.
#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/graph.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/sgd.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("models have the parameters that their papers say") {
  const auto count = [](const char* name) {
    return nn::named_model(name).make().parameter_count();
  };
  CHECK(count("lenet300") == 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10);
  CHECK(count("lenet5") == 25 * 20 + 20 + 25 * 20 * 50 + 50 + 800 * 500 + 500 + 500 * 10 + 10);
  CHECK(count("vggsmall") == 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256) +
                                 2 * 2 * (64 + 128 + 256) + 4096 * 256 + 256 + 256 * 10 + 10);

  // A block of w channels: two 3×3 convolutions and two batch normalisations. The first block of
  // a wider stage begins with half of the channels and has a projection.
  const auto block = [](int w) { return 2 * 9 * w * w + 2 * 2 * w; };
  const auto first = [](int w) {
    return 9 * w / 2 * w + 9 * w * w + 2 * 2 * w + w / 2 * w + 2 * w;
  };
  const auto resnet = [&](int n) {
    return 9 * 3 * 16 + 2 * 16 + n * block(16) + first(32) + (n - 1) * block(32) + first(64) +
           (n - 1) * block(64) + 64 * 10 + 10;
  };
  CHECK(resnet(3) == 272'474);
  CHECK(count("resnet20") == resnet(3));
  CHECK(count("resnet32") == resnet(5));
  CHECK(count("resnet56") == resnet(9));

  const auto separable = [](int in, int out) { return 9 * in + 2 * in + in * out + 2 * out; };
  CHECK(count("mobilenet") == 27 * 32 + 2 * 32 + separable(32, 64) + separable(64, 128) +
                                  separable(128, 128) + separable(128, 256) + separable(256, 256) +
                                  256 * 10 + 10);
}

TEST_CASE("layers of models have readable paths") {
  const auto paths = [](const char* name) {
    std::vector<std::string> all;
    const nn::Sequential net = nn::named_model(name).make();
    for (const auto& named : net.parameters()) all.push_back(named.path());
    return all;
  };
  const auto has = [](const std::vector<std::string>& all, const char* path) {
    return std::find(all.begin(), all.end(), path) != all.end();
  };
  const auto resnet = paths("resnet20");
  for (const char* path : {"conv1.weight", "bn1.bias", "block1.conv1.weight", "block2.bn2.weight",
                           "block4.shortcut.conv.weight", "block7.shortcut.bn.bias",
                           "block9.conv2.weight", "fc.weight", "fc.bias"}) {
    INFO(path);
    CHECK(has(resnet, path));
  }
  CHECK_FALSE(has(resnet, "block1.shortcut.conv.weight"));
  CHECK(has(paths("resnet56"), "block27.conv2.weight"));
  CHECK(has(paths("vggsmall"), "conv6.weight"));
  CHECK(has(paths("mobilenet"), "block5.depthwise.weight"));
}

TEST_CASE("every model with ten classes learns a batch by heart a little") {
  for (const nn::NamedModel& model : nn::named_models()) {
    if (model.name == "resnet32" || model.name == "resnet56") continue;  // as resnet20, longer
    INFO(model.name);
    nn::Sequential net = model.make();
    nn::initialise(net, 1);
    nn::SGD optimizer(net, {.lr = 0.02, .momentum = 0.9});
    const Shape& s = model.sample;
    const Tensor images = normal({4, s[0], s[1], s[2]}, 1);
    float first = 0, last = 0;
    for (int step = 0; step < 4; ++step) {
      optimizer.zero_grad();
      const Tensor logits = net(images);
      REQUIRE(logits.shape() == Shape{4, 10});
      const Tensor loss = nn::cross_entropy(logits, {1, 0, 3, 7});
      loss.backward();
      optimizer.step();
      (step == 0 ? first : last) = loss.item();
    }
    CHECK(first == Approx(std::log(10.0)).margin(1));
    CHECK(last < first);
    net.eval();
    NoGrad no_grad;
    CHECK(std::isfinite(net(images)[0]));
  }
}
