// Layers one behind the other, trained to tell ten kinds of pictures apart.
//
//   04_training [FOLDER-WITH-MNIST]
#include "pictures.h"

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);

  // 784 pixels → 100 numbers → 10 scores, one for each class. ReLU, max(x, 0), makes two linear
  // layers more than one.
  nn::Sequential net;
  net.add("flatten", nn::Flatten());
  net.add("fc1", nn::Linear({.in = 784, .out = 100}));
  net.add("relu", nn::ReLU());
  net.add("fc2", nn::Linear({.in = 100, .out = 10}));
  std::printf("%d numbers to train\n", static_cast<int>(net.parameter_count()));

  // A batch at a time, in another order each epoch. Cross entropy is small when the right class has
  // by far the largest score; momentum keeps a part of the last steps' direction.
  datasets::Loader batches(data.train, {.batch = 50, .shuffle = true});
  nn::SGD optimizer(net, {.lr = 0.02, .momentum = 0.9});
  for (int epoch = 0; epoch < 3; ++epoch) {
    double sum = 0;
    for (const auto& [images, labels] : batches) {
      optimizer.zero_grad();
      const Tensor loss = nn::cross_entropy(net(images), labels);
      loss.backward();
      optimizer.step();
      sum += double{loss.item()};
    }
    std::printf("epoch %d: mean loss %.3f\n", epoch, sum / static_cast<double>(batches.batches()));
  }

  // What counts is how it does on pictures that it was not trained with.
  datasets::Loader unseen(data.test);
  const nn::Evaluation evaluation = nn::evaluate(net, unseen);
  std::printf("%s: %.1f %% of the test pictures\n", data.name.c_str(), 100 * evaluation.accuracy);
  check(evaluation.accuracy > data.enough, "the network has not learned to tell the classes apart");
}
