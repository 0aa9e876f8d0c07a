#include "measuring.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lessons {
namespace {

struct AfterStep : nn::Callback {
  AfterStep(nn::Module& model, const std::function<void(nn::Module&, int64_t)>& what)
      : net(model), call(what) {}
  void on_step_end(const nn::StepReport& report) override {
    if (call) call(net, report.step);
  }
  nn::Module& net;
  const std::function<void(nn::Module&, int64_t)>& call;
};

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double spread(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

}  // namespace

Laboratory::Laboratory(const Options& options) : options_(options) {
  const auto named = options.data == "mnist" ? datasets::mnist : datasets::fashion_mnist;
  train_ = named(options.folder, datasets::Split::train);
  test_ = named(options.folder, datasets::Split::test);
<<<<<<< HEAD
  glance_ = datasets::first_samples(test_, 100);
=======
>>>>>>> cb731f3363b88eff4db60b57ffa26f38487016db
  if (options.pictures > 0) train_ = datasets::first_samples(train_, options.pictures);
}

nn::Sequential Laboratory::network(uint64_t seed) const {
  nn::Sequential net;
  net.add("flatten", nn::Flatten())
      .add("fc1", nn::Linear({.in = 784, .out = 256, .bias = false}))
      .add("bn1", nn::BatchNorm2d({.channels = 256}))
      .add("relu1", nn::ReLU())
      .add("fc2", nn::Linear({.in = 256, .out = 128, .bias = false}))
      .add("bn2", nn::BatchNorm2d({.channels = 128}))
      .add("relu2", nn::ReLU())
      .add("fc3", nn::Linear({.in = 128, .out = 10}));
  nn::initialise(net, seed);
  return net;
}

double Laboratory::train(nn::Module& net, uint64_t seed, const Training& how) const {
  std::unique_ptr<compress::Compressor> compressor;
  if (how.attach) compressor = how.attach(net);
<<<<<<< HEAD
  datasets::Loader batches(train_, {.batch = 100, .shuffle = true, .seed = seed}), glance(glance_);
=======
  datasets::Loader batches(train_, {.batch = 100, .shuffle = true, .seed = seed}), unseen(test_);
>>>>>>> cb731f3363b88eff4db60b57ffa26f38487016db
  nn::SGD optimizer(net, {.lr = 0.05, .momentum = 0.9});
  nn::Trainer trainer(
      net, optimizer,
      {.epochs = how.epochs > 0 ? how.epochs : options_.epochs, .schedule = nn::cosine()});
  AfterStep after(net, how.after_step);
  if (compressor) trainer.add(*compressor);
  trainer.add(after);
<<<<<<< HEAD
  trainer.fit(batches, glance);  // what counts is judged at the end
=======
  trainer.fit(batches, unseen);
>>>>>>> cb731f3363b88eff4db60b57ffa26f38487016db
  return accuracy(net);
}

double Laboratory::accuracy(nn::Module& net) const {
  datasets::Loader unseen(test_, {.batch = 500});
  return 100 * nn::evaluate(net, unseen).accuracy;
}

void Laboratory::run_on_some_pictures(nn::Module& net) const {
  datasets::Loader some(datasets::first_samples(train_, 1000), {.batch = 100});
  for (const auto& [images, labels] : some) net(images);
}

std::vector<double> Laboratory::accuracies(const Training& how) const {
  std::vector<double> all;
  for (int seed = 1; seed <= options_.seeds; ++seed) {
    nn::Sequential net = network(static_cast<uint64_t>(seed));
    all.push_back(train(net, static_cast<uint64_t>(seed), how));
  }
  return all;
}

void print(const Line& line) {
  std::printf("%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\n", line.what.c_str(), line.how.c_str(),
              mean(line.paper), spread(line.paper), mean(line.deviation), spread(line.deviation));
  std::fflush(stdout);
}

}  // namespace lessons
