// The networks of configs/nets and benchmarks/nets.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "espalier/autograd/graph.h"
#include "espalier/experiment/model_config.h"
#include "espalier/nn/init.h"
#include "espalier/nn/models.h"
#include "support/values.h"

using namespace espalier;
using experiment::ModelConfig;
using experiment::read_model_file;

namespace {

namespace fs = std::filesystem;

const std::string nets = ESPALIER_SOURCE_DIR "/configs/nets/";

Tensor pictures(const ModelConfig& model) {
  const Shape& s = model.sample;
  return test::normal({2, s[0], s[1], s[2]}, 5);
}

int64_t parameters(const std::string& net) {
  return read_model_file(nets + net).make().parameter_count();
}

}  // namespace

TEST_CASE("the example networks are made and compute", "[model]") {
  int count = 0;
  for (const auto& file : fs::directory_iterator(nets)) {
    if (file.path().extension() != ".yaml") continue;
    CAPTURE(file.path().string());
    ++count;
    const ModelConfig model = read_model_file(file.path().string());
    CHECK(model.name == file.path().stem().string());
    nn::Sequential net = model.make();
    nn::initialise(net, 1);
    net.eval();
    NoGrad no_grad;
    const Tensor y = net(pictures(model));
    CHECK(y.shape() == Shape{2, model.classes});
    CHECK(std::all_of(y.values().begin(), y.values().end(),
                      [](float value) { return std::isfinite(value); }));
    CHECK(*std::max_element(y.values().begin(), y.values().end()) >
          *std::min_element(y.values().begin(), y.values().end()));
  }
  CHECK(count >= 5);
}

TEST_CASE("the example networks have the weights that their authors give", "[model]") {
  // 784·2048 + 2048 + 2048·2048 + 2048 + 2048·10 + 10.
  CHECK(parameters("wide_mlp.yaml") == 5824522);
  // Springenberg et al. say 1.4 million for All-CNN-C.
  CHECK(parameters("all_cnn_c.yaml") == 1369738);
  // 432 + 2·2304 + 4608 + 9216 + 512 + 18432 + 36864 + 2048 of convolutions, 2·16·3 + 2·32·3 +
  // 2·64·3 of normalisations, 650 of the last layer.
  CHECK(parameters("resnet8.yaml") == 78042);
}

TEST_CASE("networks to measure peers with are those that are named", "[model]") {
  const auto shapes = [](const nn::Module& net) {
    std::vector<std::string> all;
    for (const nn::NamedParameter& each : net.parameters())
      all.push_back(each.parameter->shape().to_string());
    return all;
  };
  for (const std::string name : {"lenet300", "lenet5", "vggsmall"}) {
    INFO(name);
    const ModelConfig model =
        read_model_file(ESPALIER_SOURCE_DIR "/benchmarks/nets/" + name + ".yaml");
    CHECK(shapes(model.make()) == shapes(nn::named_model(name).make()));
  }
}

TEST_CASE("ResNet-20 as layers is ResNet-20", "[model]") {
  const ModelConfig model = read_model_file(nets + "resnet20.yaml");
  const nn::NamedModel& known = nn::named_model("resnet20");
  nn::Sequential written = model.make(), named = known.make();
  const auto weights = [](const nn::Module& net) {
    std::vector<std::string> all;
    for (const nn::NamedParameter& each : net.parameters())
      all.push_back(each.path() + " " + each.parameter->shape().to_string());
    return all;
  };
  CHECK(weights(written) == weights(named));
  nn::initialise(written, 3);
  nn::initialise(named, 3);
  const Tensor x = pictures(model);
  CHECK(test::doubles(written(x)) == test::doubles(named(x)));  // in training
  written.eval();
  named.eval();
  CHECK(test::doubles(written(x)) == test::doubles(named(x)));
}
