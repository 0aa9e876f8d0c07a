#include "espalier/nn/train/recalibration.h"

#include <catch2/catch.hpp>

#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "nn/separable.h"

using namespace espalier;
using namespace espalier::test;

TEST_CASE("recalibration: running statistics become the mean of those of the batches") {
  nn::Sequential net{nn::BatchNorm2d({.channels = 2}), nn::Dropout({.p = 0.5})};
  net.train();
  auto& record = *net.children()[0]->record();
  record.buffers[0]->value = Tensor::full({2}, 77);
  Separable data;
  CHECK(nn::recalibrate(net, data, 3) == 1);
  CHECK(net.training());
  double mean[2] = {}, variance[2] = {};
  data.start_epoch(0);
  Batch batch;
  for (int k = 0; k < 3; ++k) {
    data.next(batch);
    for (int c = 0; c < 2; ++c) {
      double sum = 0, squares = 0;
      for (int i = 0; i < 8; ++i) sum += double{batch.images[i * 2 + c]};
      for (int i = 0; i < 8; ++i) {
        const double from_mean = double{batch.images[i * 2 + c]} - sum / 8;
        squares += from_mean * from_mean;
      }
      mean[c] += sum / 8 / 3;
      variance[c] += squares / 7 / 3;
    }
  }
  for (int c = 0; c < 2; ++c) {
    CHECK(double{record.buffers[0]->value[c]} == Approx(mean[c]).margin(1e-6));
    CHECK(double{record.buffers[1]->value[c]} == Approx(variance[c]).epsilon(1e-5));
  }
  // Afterwards evaluation leaves them alone again.
  const Tensor before = record.buffers[0]->value;
  net.eval();
  net(batch.images);
  CHECK(doubles(record.buffers[0]->value) == doubles(before));
}

TEST_CASE("recalibration: a network without batch normalisation is told of") {
  nn::Sequential net{nn::Linear({.in = 2, .out = 2})};
  Separable data;
  CHECK(nn::recalibrate(net, data, 3) == 0);
}
