#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/io/safetensors.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/schedule.h"
#include "espalier/nn/optim/sgd.h"
#include "espalier/nn/summary.h"
#include "espalier/nn/train/trainer.h"
#include "nn/separable.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

struct TempFile {
  std::string path = "/tmp/espalier_training_" + std::to_string(getpid()) + ".safetensors";
  ~TempFile() { std::remove(path.c_str()); }
  std::string content() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

}  // namespace

TEST_CASE("the trainer learns, reports and calls back in order") {
  struct Listener : nn::Callback {
    std::string calls;
    std::vector<nn::EpochReport> epochs;
    std::vector<double> rates;
    void on_epoch_begin(int epoch) override { calls += "b" + std::to_string(epoch); }
    void on_step_end(const nn::StepReport& report) override {
      calls += "s" + std::to_string(report.batch);
    }
    void on_epoch_end(const nn::EpochReport& report) override {
      calls += "e";
      epochs.push_back(report);
    }
  } listener;
  nn::Sequential net{nn::Linear({.in = 2, .out = 4}), nn::ReLU(), nn::Linear({.in = 4, .out = 2})};
  nn::initialise(net, 1);
  nn::SGD sgd(net, {.lr = 0.5});
  Separable train, test;
  nn::Trainer trainer(net, sgd, {.epochs = 2, .schedule = nn::one_cycle(0)});
  trainer.add(listener);
  trainer.fit(train, test);
  CHECK(listener.calls == "b0s1s2s3s4s5eb1s1s2s3s4s5e");
  REQUIRE(listener.epochs.size() == 2);
  CHECK(listener.epochs[1].accuracy == 1.0);
  CHECK(listener.epochs[1].train_loss < listener.epochs[0].train_loss);
  CHECK(listener.epochs[1].step == 10);
  CHECK(listener.epochs[0].learning_rate == Approx(0.5 * 0.6));  // step 4 of 10
  CHECK(net.training());
}

TEST_CASE("the trainer tells the schedule how each epoch ended, and smooths labels when asked") {
  struct Spy : nn::Schedule {
    explicit Spy(std::vector<nn::EpochResult>& results) : heard(results) {}
    double factor(const nn::TrainingPosition&) override { return heard.size() < 1 ? 1.0 : 0.5; }
    void epoch_done(const nn::EpochResult& result) override { heard.push_back(result); }
    std::vector<nn::EpochResult>& heard;
  };
  std::vector<nn::EpochResult> heard;
  nn::Linear net({.in = 2, .out = 2});
  nn::initialise(net, 1);
  nn::SGD sgd(net, {.lr = 0.1});
  Separable train, test;
  nn::Trainer(net, sgd, {.epochs = 2, .schedule = std::make_unique<Spy>(heard)}).fit(train, test);
  REQUIRE(heard.size() == 2);
  CHECK(heard[1].epoch == 1);
  const nn::Evaluation now = nn::evaluate(net, test);
  CHECK(heard[1].evaluation_loss == now.loss);
  CHECK(heard[1].accuracy == now.accuracy);
  CHECK(sgd.learning_rate() == 0.05);
  CHECK_THROWS_WITH(nn::Trainer(net, sgd, {.schedule = nullptr}), Catch::Contains("schedule"));

  // With every class as likely in the targets, nothing can be learnt: the loss stays above log 2.
  nn::Trainer(net, sgd, {.epochs = 20, .label_smoothing = 1}).fit(train, test);
  CHECK(nn::evaluate(net, test).loss > 0.6);
}

TEST_CASE("a loss that is no number ends the training with a word") {
  nn::Linear net({.in = 2, .out = 2});
  net.parameters()[0].parameter->load(Tensor::full({2, 2}, NAN));
  nn::SGD sgd(net, {.lr = 0.1});
  Separable train, test;
  CHECK_THROWS_WITH(nn::Trainer(net, sgd, {.epochs = 5}).fit(train, test),
                    Catch::Contains("epoch 1 of 5, after 0 steps"));
}

TEST_CASE("running statistics that are no numbers end the training too, by the layer's name") {
  // Squares of 1e25 are beyond float32: the variance is infinite, and what is divided by it is 0.
  nn::Sequential net;
  net.add("fc1", nn::Linear({.in = 2, .out = 4}))
      .add("bn", nn::BatchNorm2d({.channels = 4}))
      .add("fc2", nn::Linear({.in = 4, .out = 2}));
  nn::initialise(net, 1);
  for (nn::NamedParameter& named : net.parameters()) {
    if (named.path() == "fc1.weight") named.parameter->load(Tensor::full({4, 2}, 1e25f));
  }
  nn::SGD optimizer(net, {.lr = 1e-3});
  Separable data;
  nn::Trainer trainer(net, optimizer, {.epochs = 1});
  CHECK_THROWS_WITH(trainer.fit(data, data),
                    Catch::Contains("running_var of layer 'bn' is no longer a number in epoch 1"));
}

TEST_CASE("weights are saved with PyTorch's names and layout") {
  const TempFile file;
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 2, .out = 3, .kernel = 2}));
  const Tensor ohwi =
      Tensor::generate({3, 2, 2, 2}, [](int64_t i) { return static_cast<float>(i); });
  net.parameters()[0].parameter->load(ohwi);
  nn::save_weights(net, file.path);
  const nn::Safetensors read = nn::read_safetensors(file.path);
  REQUIRE(read.tensors.size() == 2);
  CHECK(read.tensors[0].first == "conv.weight");
  const Tensor& oihw = read.tensors[0].second;
  CHECK(oihw.shape() == Shape{3, 2, 2, 2});
  CHECK(oihw[0 * 8 + 1 * 4 + 1 * 2 + 0] == ohwi[0 * 8 + 1 * 4 + 0 * 2 + 1]);  // o 0, i 1, y 1, x 0
  CHECK(oihw[2 * 8 + 0 * 4 + 0 * 2 + 1] == ohwi[2 * 8 + 0 * 4 + 1 * 2 + 0]);  // o 2, i 0, y 0, x 1
  const std::string bytes = file.content();
  nn::save_weights(net, file.path);
  CHECK(file.content() == bytes);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(header % 8 == 0);
}

TEST_CASE("weights of PyTorch are loaded as they are, but for the count of batches") {
  const TempFile file;
  // What `safetensors.torch.save_file(model.state_dict(), …)` writes.
  std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("bn.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("bn.running_mean":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
      R"("bn.running_var":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},)"
      R"("bn.weight":{"dtype":"F32","shape":[1],"data_offsets":[20,24]},)"
      R"("conv.weight":{"dtype":"F32","shape":[1,2,2,2],"data_offsets":[24,56]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  const int64_t batches = 17;
  const float values[] = {5, 4, 4, 2, 1, 2, 3, 4, 50, 60, 70, 80};
  std::ofstream out(file.path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header;
  out.write(reinterpret_cast<const char*>(&batches), 8);
  out.write(reinterpret_cast<const char*>(values), sizeof values);
  out.close();

  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in = 2, .out = 1, .kernel = 2, .bias = false}));
  net.add("bn", nn::BatchNorm2d({.channels = 1}));
  nn::load_weights(net, file.path);
  net.eval();
  // Pixels 1 2 / 3 4 in the first channel and 1 0 / 0 0 in the second: the sum is 30 + 50, and
  // 2·(80 − 4)/√4 + 5 = 81.
  const Tensor picture = Tensor::from({1, 2, 2, 2}, {1, 1, 2, 0, 3, 0, 4, 0});
  CHECK(net(picture).item() == Approx(81).epsilon(1e-5));
}

TEST_CASE("files of weights that do not fit are refused and leave the model alone") {
  const TempFile file;
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 3, .out = 2}));
  const auto before = doubles(net.parameters()[0].parameter->effective_value());
  const auto refuses = [&](nn::Module& saved, const char* why) {
    nn::save_weights(saved, file.path);
    CHECK_THROWS_WITH(nn::load_weights(net, file.path),
                      Catch::Contains(why) && Catch::Contains(file.path));
    CHECK(doubles(net.parameters()[0].parameter->effective_value()) == before);
  };
  nn::Sequential other_name, other_shape, more;
  other_name.add("fc2", nn::Linear({.in = 3, .out = 2}));
  other_shape.add("fc", nn::Linear({.in = 4, .out = 2}));
  more.add("fc", nn::Linear({.in = 3, .out = 2})).add("fc2", nn::Linear({.in = 1, .out = 1}));
  refuses(other_name, "no tensor 'fc.weight'");
  refuses(other_shape, "another shape");
  refuses(more, "a tensor 'fc2.weight' that the model has no place");
  nn::save_weights(net, file.path);
  const std::string whole = file.content();
  for (size_t length : {size_t{0}, size_t{5}, size_t{40}, whole.size() - 1}) {
    std::ofstream(file.path, std::ios::binary) << whole.substr(0, length);
    CHECK_THROWS_AS(nn::load_weights(net, file.path), Error);
  }
  CHECK_THROWS_WITH(nn::load_weights(net, "/nowhere.safetensors"),
                    Catch::Contains("/nowhere.safetensors"));
}

TEST_CASE("a summary counts LeNet-5") {
  nn::Sequential net = nn::named_model("lenet5").make();
  const nn::ModelSummary summary = nn::summarise(net, {28, 28, 1});
  REQUIRE(summary.layers.size() == 10);
  CHECK(summary.parameters == 431'080);
  CHECK(summary.layers[0].output == Shape{24, 24, 20});
  CHECK(summary.layers[0].multiply_adds == 24 * 24 * 20 * 25);
  CHECK(summary.layers[3].multiply_adds == 8 * 8 * 50 * 500);
  CHECK(summary.multiply_adds == 288'000 + 1'600'000 + 400'000 + 5'000);
  CHECK_THAT(summary.to_string(), Catch::Contains("2,293,000") && Catch::Contains("24×24×20"));
  CHECK(net.training());
}
