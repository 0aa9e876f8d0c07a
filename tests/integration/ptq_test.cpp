// LeNet-5 quantized after training, on MNIST's pictures where ESPALIER_MNIST says that they are, or
// else on made-up ones.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "espalier/autograd/core/engine.h"
#include "espalier/compress/quantizers/ptq_quantizer.h"
#include "espalier/datasets/loader.h"
#include "espalier/datasets/mnist.h"
#include "espalier/datasets/subset.h"
#include "espalier/datasets/synthetic.h"
#include "espalier/nn/init.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/sgd.h"
#include "espalier/nn/train/evaluation.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::datasets;

TEST_CASE("LeNet-5 keeps its answers in 8 bits without training, with every observer") {
  Engine engine({.threads = 1});  // a small network: threads would mostly wait for each other
  EngineScope scope(engine);
  const char* folder = std::getenv("ESPALIER_MNIST");
  const auto pictures = [&](Split split, int64_t count) {
    return folder ? first_samples(mnist(folder, split), count)
                  : synthetic({.samples = count, .split = split});
  };
  nn::Sequential net = nn::named_model("lenet5").make();
  nn::initialise(net, 1);
  const DatasetPtr train = pictures(Split::train, 6000);
  nn::SGD sgd(net, {.lr = 0.02, .momentum = 0.9});
  Loader batches(train, {.batch = 50, .shuffle = true, .drop_last = true});
  for (const auto& [images, labels] : batches) {
    sgd.zero_grad();
    nn::cross_entropy(net(images), labels).backward();
    sgd.step();
  }
  Loader judges(pictures(Split::test, 600), {.batch = 200});
  const double before = nn::evaluate(net, judges).accuracy;
  CHECK(before > 0.85);
  const auto after = [&](Rules rules) {
    PTQQuantizer quantizer(std::move(rules));
    quantizer(net);
    Loader seen(first_samples(train, 300), {.batch = 100});
    quantizer.calibrate([&] {
      for (const auto& [images, labels] : seen) net(images);
    });
    for (const PTQQuantizer::TensorError& error : quantizer.errors()) {
      INFO(error.name);
      CHECK(error.relative < (error.bits == 8 ? 0.05 : 0.5));
      CHECK(error.relative > 0);
    }
    return nn::evaluate(net, judges).accuracy;
  };
  for (const char* observer : {"minmax", "percentile", "mse"}) {
    INFO(observer);
    CHECK(after({{{"observer", observer}}}) == Approx(before).margin(0.0051));
  }
  // With 3 bits for activations it matters what is cut off.
  const double coarse = after({{{"activation_bits", 3}, {"observer", "minmax"}}});
  const double fine = after({{{"activation_bits", 3}, {"observer", "mse"}}});
  INFO("dense " << before << ", minmax " << coarse << ", mse " << fine);
  CHECK(fine >= coarse - 0.01);
  CHECK(nn::evaluate(net, judges).accuracy == before);
}
