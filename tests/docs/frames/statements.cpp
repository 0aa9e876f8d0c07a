// Statements of a program that trains: the network, the pictures and the optimizer are there.
#include <espalier/espalier.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

using namespace espalier;

int main() {
  auto net = nn::named_model("lenet5").make();
  const datasets::DatasetPtr train = datasets::mnist("", datasets::Split::train);
  const datasets::DatasetPtr test = datasets::mnist("", datasets::Split::test);
  datasets::Loader loader(train, {.batch = 50, .shuffle = true});
  nn::SGD optimizer(net, {.lr = 0.05, .momentum = 0.9});
  {
@BLOCK@
  }
}
