// A student that learns from a teacher, in the trainer and in a loop of one's own.
#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/dropout.h"
#include "espalier/nn/optim/sgd.h"
#include "espalier/nn/train/distillation.h"
#include "espalier/nn/train/trainer.h"
#include "nn/separable.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::test;

namespace {

nn::Sequential two_layers(uint64_t seed) {
  nn::Sequential net{nn::Linear({.in = 2, .out = 4}), nn::ReLU(), nn::Linear({.in = 4, .out = 2})};
  nn::initialise(net, seed);
  return net;
}

std::vector<double> weights_of(nn::Module& net) {
  std::vector<double> all;
  for (const nn::NamedParameter& named : net.parameters()) {
    for (const double value : doubles(named.parameter->effective_value())) all.push_back(value);
  }
  return all;
}

/// The weights after 4 epochs of 5 steps.
std::vector<double> trained(nn::Trainer::Options options) {
  nn::Sequential net = two_layers(1);
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  Separable train, test;
  options.epochs = 4;
  nn::Trainer(net, sgd, std::move(options)).fit(train, test);
  return weights_of(net);
}

}  // namespace

TEST_CASE("the teacher computes in evaluation mode, without gradients, and is not changed") {
  nn::Sequential teacher{nn::Linear({.in = 2, .out = 6}), nn::BatchNorm2d({.channels = 6}),
                         nn::Dropout({.p = 0.5}), nn::Linear({.in = 6, .out = 2})};
  nn::initialise(teacher, 3);
  const std::vector<double> before = weights_of(teacher);
  const Tensor images = normal({8, 2}, 4);
  teacher.eval();
  const Tensor answers = teacher(images);
  teacher.train();

  const Tensor logits = normal({8, 2}, 5).require_grad();
  const Batch batch{images, {0, 1, 0, 1, 0, 1, 0, 1}};
  const nn::Distillation distillation(teacher, {.temperature = 3, .weight = 0.4});
  const Tensor loss = distillation(logits, batch, {0, 5, 4});
  loss.backward();
  CHECK(loss.item() ==
        nn::distillation_loss(logits, answers, batch.labels, {.temperature = 3, .weight = 0.4})
            .item());
  CHECK(weights_of(teacher) == before);
  for (const nn::NamedParameter& named : teacher.parameters())
    CHECK_FALSE(named.parameter->gradient().defined());
}

TEST_CASE("distillation acts in its epochs or steps, and cross entropy outside of them") {
  nn::Sequential teacher = two_layers(9);
  const Tensor images = normal({3, 2}, 1), logits = normal({3, 2}, 2);
  const Batch batch{images, {0, 1, 1}};
  const float hard = nn::cross_entropy(logits, batch.labels, {.label_smoothing = 0.1}).item();
  // Whether the teacher counts at each of the steps of 3 epochs of 2.
  const auto taught = [&](const nn::Distillation::Options& options) {
    const nn::Distillation distillation(teacher, options);
    std::string steps;
    for (int64_t step = 0; step < 6; ++step)
      steps += distillation(logits, batch, {step, 2, 3}).item() == hard ? '-' : 't';
    return steps;
  };
  CHECK(taught({.label_smoothing = 0.1}) == "tttttt");
  CHECK(taught({.label_smoothing = 0.1, .start = 1}) == "--tttt");
  CHECK(taught({.label_smoothing = 0.1, .start = 1, .end = 2}) == "--tt--");
  CHECK(taught({.label_smoothing = 0.1, .unit = nn::TimeUnit::step, .start = 1, .end = 4}) ==
        "-ttt--");
  CHECK(taught({.weight = 0, .label_smoothing = 0.1}) == "------");
  CHECK_THROWS_WITH(nn::Distillation(teacher, {.start = 2, .end = 2}), Catch::Contains("after it"));

  const auto warning = [](const nn::Distillation::Options& options) {
    std::string text;
    for (const nn::ScheduleEnd& end : options.ends(3, 2)) text += unfinished(end, 3);
    return text;
  };
  CHECK(warning({}).empty());
  CHECK(warning({.start = 2, .end = 3}).empty());
  CHECK_THAT(warning({.end = 4}),
             Catch::Contains("its end in epoch 4") && Catch::Contains("or set end_epoch to 3"));
  CHECK_THAT(warning({.unit = nn::TimeUnit::step, .start = 6}),
             Catch::Contains("its start in epoch 4") && Catch::Contains("set start_step below 6"));
}

TEST_CASE("the trainer minimises the loss it is given") {
  nn::Sequential teacher = two_layers(9);
  const std::vector<double> plain = trained({});
  CHECK(trained({.loss = nn::Distillation(teacher, {.weight = 0})}) == plain);
  CHECK(trained({.loss = nn::Distillation(teacher, {.start = 4})}) == plain);
  CHECK(trained({.loss = nn::Distillation(teacher, {.weight = 0.5})}) != plain);

  // A loop of one's own does the same.
  nn::Sequential net = two_layers(1);
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  Separable train;
  teacher.eval();
  for (int epoch = 0; epoch < 4; ++epoch) {
    train.start_epoch(epoch);
    for (Batch batch; train.next(batch);) {
      sgd.zero_grad();
      nn::distillation_loss(net(batch.images), teacher(batch.images), batch.labels,
                            {.temperature = 2, .weight = 0.5})
          .backward();
      sgd.step();
    }
  }
  CHECK(trained({.loss = nn::Distillation(teacher, {.temperature = 2})}) == weights_of(net));
}

TEST_CASE("a student learns from answers alone what its teacher knows") {
  nn::Sequential teacher = two_layers(1);
  nn::SGD sgd(teacher, {.lr = 0.5});
  Separable train, test;
  nn::Trainer(teacher, sgd, {.epochs = 3}).fit(train, test);
  REQUIRE(nn::evaluate(teacher, test).accuracy == 1.0);

  // Every label is wrong, but they do not count.
  struct Wrong : Separable {
    bool next(Batch& batch) override {
      if (!Separable::next(batch)) return false;
      batch.labels = {1, 0, 1, 0, 1, 0, 1, 0};
      return true;
    }
  } wrong;
  nn::Sequential student = two_layers(2);
  nn::SGD of_student(student, {.lr = 0.5});
  nn::Trainer(student, of_student,
              {.epochs = 5, .loss = nn::Distillation(teacher, {.temperature = 2, .weight = 1})})
      .fit(wrong, test);
  CHECK(nn::evaluate(student, test).accuracy > 0.9);
}

TEST_CASE("what goes wrong in the teacher names the teacher") {
  nn::Sequential teacher;
  teacher.add("fc1", nn::Linear({.in = 3, .out = 2}));
  const Batch batch{normal({2, 4}, 1), {0, 1}};
  const nn::Distillation distillation(teacher, {});
  CHECK_THROWS_WITH(distillation(normal({2, 2}, 1), batch, {0, 1, 1}),
                    Catch::Contains("teacher") || Catch::Contains("fc1"));
  nn::Linear other({.in = 4, .out = 3});
  CHECK_THROWS_WITH(nn::Distillation(other, {})(normal({2, 2}, 1), batch, {0, 1, 1}),
                    Catch::Contains("the teacher's logits have the shape 2×3"));
}
