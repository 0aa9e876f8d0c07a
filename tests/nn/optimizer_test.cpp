#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/compress/mask_transform.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/adamw.h"
#include "espalier/nn/optim/rmsprop.h"
#include "espalier/nn/optim/sgd.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

/// A layer with one weight of one value, so that optimizers can be followed by hand: y = w·x.
nn::Linear one_weight(float value) {
  nn::Linear layer({.in = 1, .out = 1, .bias = false});
  layer.parameters()[0].parameter->load(Tensor::full({1, 1}, value));
  return layer;
}
double weight(nn::Module& layer) {
  return double{layer.parameters()[0].parameter->effective_value()[0]};
}

/// One update with the given gradient: d(w·x)/dw = x.
void update(nn::Module& layer, nn::Optimizer& optimizer, float gradient) {
  optimizer.zero_grad();
  sum(layer(Tensor::full({1, 1}, gradient))).backward();
  optimizer.step();
}

/// Updates with each of the gradients; the weight after each.
std::vector<double> weights_after(nn::Optimizer& optimizer, nn::Module& layer,
                                  std::initializer_list<float> gradients) {
  std::vector<double> weights;
  for (float gradient : gradients) {
    update(layer, optimizer, gradient);
    weights.push_back(weight(layer));
  }
  return weights;
}

void check_near(const std::vector<double>& ours, const std::vector<double>& expected) {
  REQUIRE(ours.size() == expected.size());
  for (size_t i = 0; i < ours.size(); ++i) CHECK(ours[i] == Approx(expected[i]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("SGD by hand: momentum, Nesterov, weight decay") {
  // w = 1, lr 0.1, momentum 0.5, decay 0.2, gradients 1 and 2:
  // d = 1 + 0.2·1 = 1.2; v = 1.2; w = 1 − 0.12 = 0.88
  // d = 2 + 0.2·0.88 = 2.176; v = 0.6 + 2.176 = 2.776; w = 0.88 − 0.2776 = 0.6024
  nn::Linear layer = one_weight(1);
  nn::SGD plain(layer, {.lr = 0.1, .momentum = 0.5, .weight_decay = 0.2});
  update(layer, plain, 1);
  CHECK(weight(layer) == Approx(0.88));
  update(layer, plain, 2);
  CHECK(weight(layer) == Approx(0.6024));

  // Nesterov: w −= lr·(d + momentum·v): 1 − 0.1·(1.2 + 0.6) = 0.82;
  // d = 2.164; v = 0.6 + 2.164 = 2.764; w = 0.82 − 0.1·(2.164 + 1.382) = 0.4654
  nn::Linear other = one_weight(1);
  nn::SGD nesterov(other, {.lr = 0.1, .momentum = 0.5, .weight_decay = 0.2, .nesterov = true});
  update(other, nesterov, 1);
  CHECK(weight(other) == Approx(0.82));
  update(other, nesterov, 2);
  CHECK(weight(other) == Approx(0.4654));

  nn::Linear third = one_weight(1);
  nn::SGD bare(third, {.lr = 0.1});
  update(third, bare, 3);
  CHECK(weight(third) == Approx(0.7));
}

TEST_CASE("Adam by hand") {
  // First step: m̂ = g, v̂ = g², so w moves by lr·sign(g) whatever the gradient's size.
  nn::Linear layer = one_weight(1);
  nn::Adam adam(layer, {.lr = 0.1});
  update(layer, adam, 5);
  CHECK(weight(layer) == Approx(0.9).epsilon(1e-5));
  // Second: m = 0.9·0.5 + 0.1·(−1) = 0.35, m̂ = 0.35/0.19; v = 0.999·0.025 + 0.001·1 = 0.025975,
  // v̂ = v/0.001999; w = 0.9 − 0.1·1.842105/√12.993997
  update(layer, adam, -1);
  CHECK(weight(layer) ==
        Approx(0.9 - 0.1 * (0.35 / 0.19) / std::sqrt(0.025975 / 0.001999)).epsilon(1e-5));
}

TEST_CASE("optimizers refuse impossible settings") {
  nn::Linear layer = one_weight(1);
  CHECK_THROWS_WITH(nn::SGD(layer, {.lr = -1}), Catch::Contains("learning rate"));
  CHECK_THROWS_WITH(nn::SGD(layer, {.lr = NAN}), Catch::Contains("learning rate"));
  CHECK_THROWS_WITH(nn::SGD(layer, {.momentum = 1}), Catch::Contains("momentum"));
  CHECK_THROWS_WITH(nn::SGD(layer, {.nesterov = true}), Catch::Contains("nesterov"));
  CHECK_THROWS_WITH(nn::Adam(layer, {.beta1 = 1}), Catch::Contains("beta1"));
  CHECK_THROWS_WITH(nn::AdamW(layer, {.weight_decay = -1}),
                    Catch::Contains("AdamW") && Catch::Contains("weight_decay"));
  CHECK_THROWS_WITH(nn::RMSprop(layer, {.alpha = 1}), Catch::Contains("alpha"));
  CHECK_THROWS_WITH(nn::RMSprop(layer, {.epsilon = 0}), Catch::Contains("epsilon"));
  CHECK_THROWS_WITH(nn::RMSprop(layer, {.momentum = 1}), Catch::Contains("momentum"));
}

TEST_CASE("two optimizers on one model keep their state apart, and take it with them") {
  nn::Linear layer = one_weight(1);
  nn::SGD first(layer, {.lr = 0.1, .momentum = 0.9});
  update(layer, first, 1);  // v = 1, w = 0.9
  {
    nn::SGD second(layer, {.lr = 0.1, .momentum = 0.9});
    update(layer, second, 1);  // its own v = 1, w = 0.8
    CHECK(weight(layer) == Approx(0.8));
  }
  update(layer, first, 1);  // v = 1.9
  CHECK(weight(layer) == Approx(0.61));
}

TEST_CASE("an update between forward and backward is an error, not a wrong gradient") {
  nn::Linear layer = one_weight(1);
  nn::SGD sgd(layer, {.lr = 0.1});
  Tensor x = Tensor::full({1, 1}, 2).require_grad();
  update(layer, sgd, 1);
  const Tensor loss = sum(layer(x));
  sgd.step();
  CHECK_THROWS_WITH(loss.backward(), Catch::Contains("overwritten"));
}

TEST_CASE("AdamW by hand: decay acts on the weight, not on the gradient") {
  // Equal gradients make m̂ = g and v̂ = g², so every step is w = w·(1 − lr·decay) − lr:
  // 0.98 − 0.1 = 0.88; 0.8624 − 0.1 = 0.7624; 0.747152 − 0.1 = 0.647152.
  nn::Linear layer = one_weight(1);
  nn::AdamW adamw(layer, {.lr = 0.1, .weight_decay = 0.2});
  check_near(weights_after(adamw, layer, {5, 5, 5}), {0.88, 0.7624, 0.647152});
  CHECK(adamw.steps() == 3);

  // Without decay it is Adam.
  nn::Linear plain = one_weight(1), same = one_weight(1);
  nn::AdamW without(plain, {.weight_decay = 0});
  nn::Adam adam(same, {});
  CHECK(weights_after(without, plain, {1, -3, 2}) == weights_after(adam, same, {1, -3, 2}));
}

TEST_CASE("RMSprop by hand: plain, with momentum, centered, with decay") {
  // α = 0.5, gradients 2, 2, −1: s = 2, 3, 2 and u = g/√s = 1.414214, 1.154701, −0.707107.
  nn::Linear layer = one_weight(1);
  nn::RMSprop plain(layer, {.lr = 0.1, .alpha = 0.5});
  check_near(weights_after(plain, layer, {2, 2, -1}), {0.8585786, 0.7431085, 0.8138192});

  // v = 1.414214; 0.707107 + 1.154701 = 1.861808; 0.930904 − 0.707107 = 0.223797
  nn::Linear second = one_weight(1);
  nn::RMSprop momentum(second, {.lr = 0.1, .alpha = 0.5, .momentum = 0.5});
  check_near(weights_after(momentum, second, {2, 2, -1}), {0.8585786, 0.6723978, 0.6500181});

  // m = 1, 1.5, 0.25, so s − m² = 1, 0.75, 1.9375 and u = 2, 2.309401, −0.718421.
  nn::Linear third = one_weight(1);
  nn::RMSprop centered(third, {.lr = 0.1, .alpha = 0.5, .centered = true});
  check_near(weights_after(centered, third, {2, 2, -1}), {0.8, 0.5690599, 0.6409020});

  // Both: v = 2; 1 + 2.309401 = 3.309401; 1.654701 − 0.718421 = 0.936279
  nn::Linear fourth = one_weight(1);
  nn::RMSprop both(fourth, {.lr = 0.1, .alpha = 0.5, .momentum = 0.5, .centered = true});
  check_near(weights_after(both, fourth, {2, 2, -1}), {0.8, 0.4690599, 0.3754320});

  // d = 2 + 0.5·1 = 2.5; s = 3.125; u = √2; then d = 2 + 0.5·0.8585786 = 2.4292893,
  // s = 1.5625 + 2.9507233 = 4.5132233, u = 1.1435005
  nn::Linear fifth = one_weight(1);
  nn::RMSprop decay(fifth, {.lr = 0.1, .alpha = 0.5, .weight_decay = 0.5});
  check_near(weights_after(decay, fifth, {2, 2}), {0.8585786, 0.8585786 - 0.11435005});
}

TEST_CASE("masked weights stay exactly zero under every optimizer") {
  using compress::MaskedWeights, compress::MaskTransform;
  for (int kind = 0; kind < 4; ++kind) {
    INFO("optimizer " << kind);
    nn::Linear layer({.in = 40, .out = 3, .bias = false});
    nn::Parameter& parameter = *layer.parameters()[0].parameter;
    const Mask mask =
        Mask::from(Tensor::generate({3, 40}, [](int64_t i) { return i % 3 == 0 ? 0.0f : 1.0f; }));
    parameter.load(masked_multiply(normal({3, 40}, 1), mask));
    auto transform = std::make_shared<MaskTransform>(mask.shape(), MaskedWeights::zero, "test");
    transform->set_mask(mask);
    parameter.attach(transform);
    std::unique_ptr<nn::Optimizer> optimizer;
    if (kind == 0) optimizer = std::make_unique<nn::AdamW>(layer, nn::AdamW::Options{.lr = 0.1});
    if (kind == 1)
      optimizer = std::make_unique<nn::RMSprop>(layer, nn::RMSprop::Options{.weight_decay = 0.1});
    if (kind == 2)
      optimizer = std::make_unique<nn::RMSprop>(
          layer, nn::RMSprop::Options{.momentum = 0.9, .centered = true});
    if (kind == 3) optimizer = std::make_unique<nn::Adam>(layer, nn::Adam::Options{.lr = 0.1});
    for (uint64_t step = 0; step < 5; ++step) {
      optimizer->zero_grad();
      const Tensor y = layer(normal({4, 40}, 10 + step));
      sum(multiply(y, y)).backward();
      optimizer->step();
    }
    parameter.detach(nn::WeightTransform::Stage::mask);
    const Tensor stored = parameter.effective_value();
    for (int64_t i = 0; i < stored.size(); ++i) CHECK((stored[i] == 0.0f) == (i % 3 == 0));
  }
}

TEST_CASE("an optimizer's steps and rate are put back") {
  nn::Linear layer = one_weight(1);
  nn::Adam first(layer, {.lr = 0.1}), second(layer, {});
  update(layer, first, 1);
  first.set_learning_rate(0.025);
  nn::State state;
  auto saving = nn::StateVisitor::saving(state);
  first.visit_state(saving);
  auto restoring = nn::StateVisitor::restoring(state);
  second.visit_state(restoring);
  CHECK(second.steps() == 1);
  CHECK(second.learning_rate() == 0.025);
}
