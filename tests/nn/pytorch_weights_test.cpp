// Files of weights as PyTorch writes them (save_file of safetensors.torch), made here byte by byte.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/io/safetensors.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "support/files.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;
using Catch::Contains;

namespace {

/// A file with these tensors, in the order given.
class PyTorchFile {
 public:
  template <class T>
  PyTorchFile& add(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::vector<T>& values) {
    const size_t begin = data_.size();
    data_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    header_ += (header_.empty() ? "\"" : ",\"") + name + "\":{\"dtype\":\"" + dtype +
               "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(begin) + "," +
               std::to_string(data_.size()) + "]}";
    return *this;
  }
  void write(const std::string& path) const {
    std::string header = "{" + header_ + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    std::ofstream(path, std::ios::binary) << bytes << header << data_;
  }

 private:
  std::string header_, data_;
};

nn::Sequential network() {
  nn::Sequential net;
  net.add("conv1", nn::Conv2d({.in = 1, .out = 2, .kernel = 2, .bias = false}))
      .add("bn1", nn::BatchNorm2d({.channels = 2}))
      .add("relu", nn::ReLU())
      .add("flatten", nn::Flatten())
      .add("fc", nn::Linear({.in = 4, .out = 1}));
  return net;
}

std::vector<uint16_t> bfloats(const std::vector<float>& values) {
  std::vector<uint16_t> upper;
  for (const float value : values)
    upper.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
  return upper;
}

/// Without the weight of the last layer.
PyTorchFile state_dict() {
  PyTorchFile file;
  file.add<uint16_t>("bn1.bias", "BF16", "2", bfloats({0, 0}))
      .add<int64_t>("bn1.num_batches_tracked", "I64", "", {937})
      .add<float>("bn1.running_mean", "F32", "2", {0, 1})
      .add<float>("bn1.running_var", "F32", "2", {1, 1})
      .add<uint16_t>("bn1.weight", "BF16", "2", bfloats({1, 0.5f}))
      // O×I×kH×kW: channel 0 takes the value at its place, channel 1 the one below and right of it.
      .add<double>("conv1.weight", "F64", "2,1,2,2", {1, 0, 0, 0, 0, 0, 0, 1})
      .add<float>("fc.bias", "F32", "1", {0.5f});
  return file;
}

}  // namespace

TEST_CASE("weights from PyTorch: names, layouts and types as it saves them, by hand") {
  const testing::TemporaryFolder folder;
  // In half precision 1, 10, 100 and 1000.
  state_dict()
      .add<uint16_t>("fc.weight", "F16", "1,4", {0x3c00, 0x4900, 0x5640, 0x63d0})
      .write(folder / "model.safetensors");
  nn::Sequential net = network();
  nn::load_weights(net, folder / "model.safetensors");
  net.eval();
  // 1 2 3 / 4 5 6: channel 0 has 1 and 2, channel 1 has (5 − 1)/2 and (6 − 1)/2; flattened channel
  // by channel: 1·1 + 10·2 + 100·2 + 1000·2.5 + 0.5.
  const Tensor y = net(Tensor::from({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}));
  CHECK(y.item() == Approx(2721.5).epsilon(1e-4));
}

TEST_CASE("weights from PyTorch: half precision to the last bit") {
  const testing::TemporaryFolder folder;
  PyTorchFile file;
  file.add<uint16_t>("x", "F16", "9",
                     {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x83ff, 0x0400, 0x3555});
  file.add<uint16_t>("infinite", "F16", "2", {0x7c00, 0xfc00});
  file.write(folder / "half");
  const nn::Safetensors read = nn::read_safetensors(folder / "half");
  CHECK(doubles(read.tensors[0].second) == std::vector<double>{0, -0.0, 1, -2, 65504, 0x1p-24,
                                                               -1023 * 0x1p-24, 0x1p-14,
                                                               0.333251953125});
  CHECK(std::signbit(read.tensors[0].second[1]));
  CHECK(std::isinf(read.tensors[1].second[0]));
  CHECK(read.tensors[1].second[1] < 0);
}

TEST_CASE("weights from PyTorch: what cannot be weights is refused by name") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  nn::Sequential net = network();
  state_dict().add<int64_t>("fc.weight", "I64", "1,4", {1, 2, 3, 4}).write(path);
  CHECK_THROWS_WITH(nn::load_weights(net, path),
                    Contains("'fc.weight' has values of the type I64") && Contains(path));
  state_dict().add<double>("fc.weight", "F64", "1,4", {1e300, 2, 3, 4}).write(path);
  CHECK_THROWS_WITH(nn::load_weights(net, path), Contains("too large for float32") && Contains(path));
  state_dict().add<float>("fc.weight", "F64", "1,4", {1, 2, 3, 4}).write(path);
  CHECK_THROWS_WITH(nn::load_weights(net, path), Contains("bytes of tensor 'fc.weight'"));
  state_dict().add<float>("classifier.weight", "F32", "1,4", {1, 2, 3, 4}).write(path);
  CHECK_THROWS_WITH(nn::load_weights(net, path),
                    Contains("no tensor 'fc.weight'") &&
                        Contains("there are bn1.bias, bn1.running_mean, bn1.running_var, "
                                 "bn1.weight and 3 more"));
}
