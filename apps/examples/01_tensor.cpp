// A tensor is numbers with a shape. Operations make new tensors and never change old ones.
#include "check.h"

int main() {
  // Two samples of three numbers. The last axis lies contiguous in memory: 1 2 3 is the first.
  const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  show("x", x);

  // Element by element. Everything in ops.h is a free function like these.
  const Tensor doubled = add(x, x);
  const Tensor squares = multiply(x, x);
  show("x + x", doubled);
  show("x · x", squares);
  check(doubled[5] == 12 && squares[5] == 36, "6 + 6 is not 12, or 6 · 6 is not 36");
  check(x[5] == 6, "adding has changed what was added");

  // x·Wᵀ + b, what a fully connected layer computes: each row of W makes one output of a sample.
  const Tensor weight = Tensor::from({2, 3}, {1, 0, -1, 0.5, 0.5, 0.5});
  const Tensor bias = Tensor::from({2}, {0, 10});
  const Tensor y = linear(x, weight, bias);
  show("x · Wᵀ + b", y);
  check(y.shape() == Shape({2, 2}), "two samples and two outputs do not make 2×2 numbers");
  check(y[0] == 1 - 3 && y[1] == 13, "the first sample has other outputs");

  // A tensor is a handle. Another shape of the same numbers shares their memory.
  const Tensor column = reshape(x, {6, 1});
  check(column.data() == x.data(), "reshape has copied");

  // Wrong shapes are an error that says which.
  try {
    add(x, column);
    check(false, "2×3 and 6×1 numbers were added");
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
  }
}
