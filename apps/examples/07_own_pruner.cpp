// A pruner of your own says which weights of a layer stay; the library does the rest.
#include "half_the_rows.h"
#include "training.h"

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();

  // Options that choose layers are understood without a line of code: this rule is for fc1 alone.
  // The pruner is asked for its mask when it is attached, and again in each epoch it is told of.
  HalfTheRows pruner({{{"support_op", "fc1"}}});
  pruner(net);
  train(net, data, 3, [&](int epoch) { pruner.update_epoch(epoch); });
  require_accuracy(net, data, "half of the hidden units");

  // A row of the weight makes one hidden unit. Each has all of its weights or none.
  const Tensor weight = weight_of(net, "fc1").effective_value();
  int empty = 0;
  for (int64_t row = 0; row < 100; ++row) {
    int64_t nonzero = 0;
    for (int64_t i = 0; i < 784; ++i) nonzero += weight[row * 784 + i] != 0;
    check(nonzero == 0 || nonzero == 784, "a row is masked in part");
    empty += nonzero == 0;
  }
  std::printf("%d of 100 rows are zero\n", empty);
  check(empty == 50, "not half of the rows are zero");
}
