// Trains a small network under a mask of 80 %, and looks at what the library leaves behind in a
// program that has thread and floating-point settings of its own.
#include <dlfcn.h>
#include <espalier/espalier.h>

#include <cstdio>

using namespace espalier;

int main() {
  const auto threads = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
  const auto use_threads =
      reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  use_threads(3);

  Engine engine({.threads = 2, .seed = 7});
  EngineScope scope(engine);
  nn::Sequential net{nn::Flatten(), nn::Linear({.in = 64, .out = 40}), nn::ReLU(),
                     nn::Linear({.in = 40, .out = 4})};
  compress::LevelPruner pruner({{{"sparsity", 0.8}, {"support_type", "default"}}});
  pruner(net);
  datasets::Loader loader(datasets::synthetic({.samples = 512, .shape = {8, 8, 1}, .classes = 4}),
                          {.batch = 32, .shuffle = true});
  nn::SGD optimizer(net, {.lr = 0.1, .momentum = 0.9});
  float first = 0, last = 0;
  for (int epoch = 0; epoch < 15; ++epoch) {
    for (const auto& [images, labels] : loader) {
      optimizer.zero_grad();
      const Tensor loss = nn::cross_entropy(net(images), labels);
      loss.backward();
      optimizer.step();
      last = loss.item();
      if (first == 0) first = last;
    }
  }
  const Tensor weight = net.parameters()[0].parameter->effective_value();
  int64_t zeros = 0;
  for (int64_t i = 0; i < weight.size(); ++i) zeros += weight[i] == 0.0f;
  volatile float denormal = 1e-40f;
  const bool keeps_denormals = denormal * 0.5f != 0.0f;
  std::printf("loss %g, then %g; %d of %d weights zero; threads %d\n", double{first}, double{last},
              int(zeros), int(weight.size()), threads());
  return last < 0.5f * first && zeros == 2048 && threads() == 3 && keeps_denormals ? 0 : 1;
}
