#include "espalier/compress/stored_tensors.h"

#include <catch2/catch.hpp>

#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/models.h"

using namespace espalier;
using namespace espalier::compress;

namespace {

std::vector<std::string> paths(const StoredTensors& stored) {
  std::vector<std::string> all;
  for (const StoredTensor& tensor : stored.tensors) all.push_back(tensor.path);
  return all;
}

}  // namespace

TEST_CASE("stored tensors: of LeNet-5") {
  nn::Sequential net = nn::named_model("lenet5").make();
  const StoredTensors stored = StoredTensors::of(net);
  CHECK(paths(stored) == std::vector<std::string>{"", "relu1", "relu2", "relu3", "fc2"});
  CHECK(stored.tensors[0].kind == StoredTensor::Kind::input);
  CHECK(stored.tensors[0].weighted == "conv1");
  CHECK(stored.tensors[2].weighted == "conv2");
  CHECK(stored.around("conv2").input == 1);  // through the pooling
  CHECK(stored.around("fc2").input == 3);
  CHECK(stored.around("fc2").batch_norm == nullptr);
}

TEST_CASE("stored tensors: residual blocks, with and without a layer in the shortcut") {
  nn::Sequential net = nn::named_model("resnet20").make();
  const StoredTensors stored = StoredTensors::of(net);
  // The input, relu1; of each of nine blocks relu1, bn2 and the sum; of two a shortcut; the average
  // and the result.
  CHECK(stored.tensors.size() == 2 + 9 * 3 + 2 + 2);
  const std::vector<std::string> found = paths(stored);
  CHECK(std::vector<std::string>(found.begin() + 2, found.begin() + 5) ==
        std::vector<std::string>{"block1.relu1", "block1.bn2", "block1_relu"});
  CHECK(stored.tensors[4].kind == StoredTensor::Kind::sum);
  CHECK(stored.tensors[4].weighted == "block1.conv2");
  CHECK(stored.around("block1.conv1").input == 1);
  CHECK(stored.around("block1.conv1").batch_norm != nullptr);
  // Block 4 has the first projection; both of its ways begin at the sum of block 3.
  const int sum3 = stored.around("block4.conv1").input;
  CHECK(found[static_cast<size_t>(sum3)] == "block3_relu");
  CHECK(stored.around("block4.shortcut.conv").input == sum3);
  CHECK(stored.tensors.back().path == "fc");
  CHECK(stored.tensors[stored.tensors.size() - 2].kind == StoredTensor::Kind::average);
}

TEST_CASE("stored tensors: branches that are joined, and activation functions alone") {
  nn::Sequential left, right;
  left.add("conv", nn::Conv2d({.in = 2, .out = 3, .kernel = 1})).add("gelu", nn::GELU());
  right.add("conv", nn::Conv2d({.in = 2, .out = 1, .kernel = 1}));
  nn::Concat both;
  both.add("left", std::move(left)).add("right", std::move(right));
  nn::Sequential net;
  net.add("tanh", nn::Tanh()).add("both", std::move(both)).add("relu", nn::ReLU());
  net.add("relu2", nn::ReLU());  // takes values away, and no more
  const StoredTensors stored = StoredTensors::of(net);
  CHECK(paths(stored) ==
        std::vector<std::string>{"", "tanh", "both.left.gelu", "both.right.conv", "relu"});
  CHECK(stored.tensors[4].kind == StoredTensor::Kind::joined);
  CHECK(stored.around("both.right.conv").input == 1);
}
