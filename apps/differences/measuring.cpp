#include "measuring.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace differences {
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
  train_ = datasets::first_samples(datasets::fashion_mnist(options.folder, datasets::Split::train),
                                   options.pictures);
  test_ = datasets::fashion_mnist(options.folder, datasets::Split::test);
  glance_ = datasets::first_samples(test_, 100);
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
  datasets::Loader batches(train_, {.batch = batch, .shuffle = true, .seed = seed}),
      glance(glance_);
  nn::SGD optimizer(net, {.lr = 0.05, .momentum = 0.9});
  nn::Trainer trainer(
      net, optimizer,
      {.epochs = how.epochs > 0 ? how.epochs : options_.epochs, .schedule = nn::cosine()});
  AfterStep after(net, how.after_step);
  if (compressor) trainer.add(*compressor);
  trainer.add(after);
  trainer.fit(batches, glance);  // what counts is judged at the end
  return accuracy(net);
}

double Laboratory::accuracy(nn::Module& net) const {
  datasets::Loader unseen(test_, {.batch = 500});
  return 100 * nn::evaluate(net, unseen).accuracy;
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
  if (line.paper.empty() || line.deviation.empty()) throw Error(line.what, "nothing was measured");
  std::printf("%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\n", line.what.c_str(), line.how.c_str(),
              mean(line.paper), spread(line.paper), mean(line.deviation), spread(line.deviation));
  std::fflush(stdout);
}

int run(int count, char** words, const std::vector<Part>& parts) {
  Laboratory::Options options;
  std::vector<std::string> names;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool last = i + 1 == count;
    if (word == "--data" && !last) {
      options.folder = words[++i];
    } else if (word == "--epochs" && !last) {
      options.epochs = std::atoi(words[++i]);
    } else if (word == "--seeds" && !last) {
      options.seeds = std::atoi(words[++i]);
    } else if (word == "--pictures" && !last) {
      options.pictures = std::atoi(words[++i]);
    } else {
      names.push_back(word);
    }
  }
  const auto is_part = [&](const std::string& name) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const Part& part) { return part.name == name; });
  };
  for (const std::string& name : names) {
    if (is_part(name)) continue;
    std::fprintf(stderr, "there is no '%s'; parts are", name.c_str());
    for (const Part& part : parts) std::fprintf(stderr, " %s", part.name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  Engine engine({.threads = 1});
  const EngineScope scope(engine);
  std::optional<Laboratory> lab;
  try {
    lab.emplace(options);
  } catch (const Error& error) {
    std::fprintf(stderr, "skipped: there are no pictures: %s\n", error.what());
    return 77;  // for tests
  }
  try {
    std::printf("# %d epochs of %d training pictures, seeds: %d\n", options.epochs,
                static_cast<int>(options.pictures), options.seeds);
    for (const Part& part : parts) {
      if (names.empty() || std::count(names.begin(), names.end(), part.name) > 0) part.print(*lab);
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace differences
