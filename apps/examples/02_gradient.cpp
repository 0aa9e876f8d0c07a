// A gradient: which way, and how fast, a loss changes with each of the numbers it depends on.
#include "check.h"

// Some measurements x and what was seen y; the loss of a prediction by w is its mean square error.
const Tensor x = Tensor::from({3, 2}, {1, 2, -1, 0.5, 3, -2});
const Tensor y = Tensor::from({3, 1}, {2, 0, 1});

Tensor loss_of(const Tensor& w) {
  return mse_loss(tanh(linear(x, w, {})), y);
}

int main() {
  // A leaf collects the gradient. What is computed from it remembers how, and backward() follows
  // that from the loss to the leaf, one operation after the other.
  Tensor w = Tensor::from({1, 2}, {0.3f, -0.2f});
  w.require_grad();
  const Tensor loss = loss_of(w);
  loss.backward();
  std::printf("loss = %g\n", double{loss.item()});
  show("gradient", w.grad());

  // The definition, to compare: move one number a little both ways, and see what the loss does.
  const float step = 1e-2f;
  for (int64_t i = 0; i < w.size(); ++i) {
    const auto moved = [&](float by) {
      return Tensor::generate({1, 2}, [&](int64_t k) { return w[k] + (k == i ? by : 0); });
    };
    const float quotient =
        (loss_of(moved(step)).item() - loss_of(moved(-step)).item()) / (2 * step);
    std::printf("difference quotient of number %d = %g\n", static_cast<int>(i), double{quotient});
    check(std::abs(quotient - w.grad()[i]) < 1e-3f, "backward and the definition do not agree");
  }

  // A small step against the gradient, and the loss is smaller. That is all of training.
  const Tensor better =
      Tensor::generate({1, 2}, [&](int64_t i) { return w[i] - 0.1f * w.grad()[i]; });
  std::printf("loss after a step = %g\n", double{loss_of(better).item()});
  check(loss_of(better).item() < loss.item(), "a step against the gradient made the loss larger");
}
